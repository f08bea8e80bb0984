//! One body, three compilations: for any processor, for AVX2 with FMA, for AVX-512.
//!
//! A body is array code: loops over fixed numbers of lanes, fused multiply-adds written out, sums in a stated
//! order. The compiler turns the lanes into whatever registers it was told of, and the bits stay the same.

/// A set of vector instructions that bodies are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every processor of the architecture has; on 64-bit ARM that is NEON, fused multiply-adds included.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, VL, DQ and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// The widest that this processor has; the processor is asked once, the answer is kept.
    #[must_use]
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx2") && has!("fma") {
                if has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw") {
                    return Self::Avx512;
                }
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// All that this processor has, for tests that hold them to equal bits.
    #[cfg(test)]
    pub(crate) fn all() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        match Self::best() {
            Self::Avx512 => return &[Self::Portable, Self::Avx2, Self::Avx512],
            Self::Avx2 => return &[Self::Portable, Self::Avx2],
            Self::Portable => {}
        }
        &[Self::Portable]
    }
}

/// Makes two functions of a body: `name(...)`, which runs on the widest instructions there are, and
/// `name_on(isa, ...)`, which runs on those it is told. The bodies of the three compilations are given in the order
/// portable, AVX2, AVX-512: one function, or one function with different lane counts as its generic argument.
macro_rules! compile_wide {
    (
        $(#[$doc:meta])*
        $vis:vis fn $name:ident, $name_on:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)?
            = $portable:expr, $avx2:expr, $avx512:expr
    ) => {
        $(#[$doc])*
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            $name_on($crate::kernel::wide::Isa::best(), $($arg),*)
        }

        fn $name_on(isa: $crate::kernel::wide::Isa, $($arg: $type),*) $(-> $out)? {
            use $crate::kernel::wide::Isa;
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $type),*) $(-> $out)? {
                $avx2($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")]
            fn avx512($($arg: $type),*) $(-> $out)? {
                $avx512($($arg),*)
            }
            match isa {
                Isa::Portable => $portable($($arg),*),
                // SAFETY: an `Isa` names what the processor was found to have.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512($($arg),*) },
            }
        }
    };
    (
        $(#[$doc:meta])*
        $vis:vis fn $name:ident, $name_on:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:expr
    ) => {
        $crate::kernel::wide::compile_wide! {
            $(#[$doc])*
            $vis fn $name, $name_on($($arg: $type),*) $(-> $out)? = $body, $body, $body
        }
    };
}

pub(crate) use compile_wide;
