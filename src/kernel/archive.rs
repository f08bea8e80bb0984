//! One walk over a state's numbers, for keeping and for taking back: the two cannot differ. Real-time code.

/// Meets every number of a state, in a fixed order, as words of 32 bits.
pub trait Archive {
    /// Meets a word.
    fn word(&mut self, value: &mut u32);

    /// Meets a number.
    fn number(&mut self, value: &mut f32);

    /// Meets a count: its lower word, then its upper one.
    fn count(&mut self, value: &mut u64) {
        let [mut low, mut high] = [*value as u32, (*value >> 32) as u32];
        self.word(&mut low);
        self.word(&mut high);
        *value = u64::from(high) << 32 | u64::from(low);
    }

    /// Meets numbers, one after the other.
    fn numbers(&mut self, values: &mut [f32]) {
        for value in values {
            self.number(value);
        }
    }
}

/// Writes what it meets to the end of a list, as far as there is room; it allocates nothing.
#[derive(Debug)]
pub struct Keeping<'a>(pub &'a mut Vec<u32>);

impl Archive for Keeping<'_> {
    fn word(&mut self, value: &mut u32) {
        if self.0.len() < self.0.capacity() {
            self.0.push(*value);
        }
    }

    fn number(&mut self, value: &mut f32) {
        self.word(&mut value.to_bits());
    }

    // At once: a memory has a million of them, and they are kept within a tick.
    fn numbers(&mut self, values: &mut [f32]) {
        let room = self.0.capacity() - self.0.len();
        self.0.extend(values.iter().take(room).map(|value| value.to_bits()));
    }
}

/// Counts the words that it meets.
#[derive(Debug, Default)]
pub struct Counting(pub usize);

impl Archive for Counting {
    fn word(&mut self, _: &mut u32) {
        self.0 += 1;
    }

    fn number(&mut self, value: &mut f32) {
        self.word(&mut value.to_bits());
    }
}

/// Gives words back in their order.
#[derive(Debug)]
pub struct Taking<'a> {
    words: std::slice::Iter<'a, u32>,
    whole: bool,
}

impl<'a> Taking<'a> {
    /// From what [`Keeping`] wrote.
    #[must_use]
    pub fn new(words: &'a [u32]) -> Self {
        Self { words: words.iter(), whole: true }
    }

    /// Whether there was a word for everything that was met, none was left over, and every number is finite.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole && self.words.len() == 0
    }
}

impl Archive for Taking<'_> {
    fn word(&mut self, value: &mut u32) {
        match self.words.next() {
            Some(word) => *value = *word,
            None => self.whole = false,
        }
    }

    fn number(&mut self, value: &mut f32) {
        let mut bits = value.to_bits();
        self.word(&mut bits);
        *value = f32::from_bits(bits);
        self.whole &= value.is_finite();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct State(u64, [f32; 2], u32);

    impl State {
        fn archive(&mut self, archive: &mut impl Archive) {
            archive.count(&mut self.0);
            archive.numbers(&mut self.1);
            archive.word(&mut self.2);
        }
    }

    #[test]
    fn what_is_kept_is_taken_back_and_what_is_not_whole_says_so() {
        let mut state = State(u64::MAX - 5, [1.5, -0.0], 9);
        let mut counting = Counting::default();
        state.archive(&mut counting);
        let mut words = Vec::with_capacity(counting.0);
        state.archive(&mut Keeping(&mut words));
        assert_eq!((words.len(), words.capacity()), (5, 5));
        let mut other = State(0, [0.0; 2], 0);
        let mut taking = Taking::new(&words);
        other.archive(&mut taking);
        assert!(taking.is_whole() && other == state);
        for wrong in [&words[..4], &[&words[..], &[1]].concat(), &[0, 0, f32::NAN.to_bits(), 0, 0]] {
            let mut taking = Taking::new(wrong);
            other.archive(&mut taking);
            assert!(!taking.is_whole(), "{wrong:?}");
        }
    }
}
