//! Non-linear least squares with bounds: the method of Levenberg and Marquardt on the parameters that are free.
//!
//! Levenberg 1944; Marquardt 1963 (diagonal scaling); a parameter at its bound whose gradient points outwards is
//! held there for the step, and steps are cut back into the bounds (projected Newton, Bertsekas 1982).

/// Steps before it gives up.
const MOST_STEPS: usize = 1_000;
/// It ends when a step gains less than this share of the cost, several times in a row.
const TOLERANCE: f64 = 1e-11;
/// How many such steps in a row.
const PATIENCE: usize = 4;

/// A model of the data: writes its values, one per datum, and their derivatives, row by row: those of a datum by
/// each parameter side by side. Values that are not finite mark parameters where the model is not defined.
pub trait Model {
    /// Evaluates at `parameters`.
    fn evaluate(&self, parameters: &[f64], values: &mut [f64], derivatives: &mut [f64]);
}

/// The parameters that bring `model` nearest to `data` in the sum of squares, from `start`, each within its bounds
/// (low, high); `None` where the model is not defined at the start or does not settle.
#[must_use]
pub fn fit(model: &impl Model, data: &[f64], start: &[f64], bounds: &[(f64, f64)]) -> Option<Vec<f64>> {
    let count = start.len();
    let mut at: Vec<f64> = start.iter().zip(bounds).map(|(p, (low, high))| p.clamp(*low, *high)).collect();
    let mut values = vec![0.0; data.len()];
    let mut derivatives = vec![0.0; data.len() * count];
    model.evaluate(&at, &mut values, &mut derivatives);
    let mut cost = cost_of(data, &values);
    if !cost.is_finite() {
        return None;
    }
    let mut damping = 1e-3;
    let mut idle = 0;
    let (mut normal, mut gradient) = normal_equations(data, &values, &derivatives, count);
    for _ in 0..MOST_STEPS {
        let free: Vec<usize> = (0..count)
            .filter(|&i| {
                let outwards = (at[i] <= bounds[i].0 && gradient[i] < 0.0)
                    || (at[i] >= bounds[i].1 && gradient[i] > 0.0);
                !outwards && normal[i * count + i] > 0.0
            })
            .collect();
        let Some(step) = damped_step(&normal, &gradient, &free, count, damping) else {
            damping *= 10.0;
            continue;
        };
        let mut next = at.clone();
        for (i, step) in free.iter().zip(&step) {
            next[*i] = (at[*i] + step).clamp(bounds[*i].0, bounds[*i].1);
        }
        model.evaluate(&next, &mut values, &mut derivatives);
        let next_cost = cost_of(data, &values);
        if next_cost <= cost {
            let gain = cost - next_cost;
            idle = if gain <= TOLERANCE * cost { idle + 1 } else { 0 };
            (at, cost) = (next, next_cost);
            (normal, gradient) = normal_equations(data, &values, &derivatives, count);
            damping = (damping / 5.0).max(1e-12);
            if idle >= PATIENCE {
                return Some(at);
            }
        } else {
            damping *= 4.0;
            if damping > 1e12 {
                // No step of any length gains: a minimum to the last digit.
                return Some(at);
            }
        }
    }
    None
}

/// The weights of the line `y = rows w` through data, by least squares: `rows` holds as many numbers for each datum as there
/// are weights. `None` where the data do not determine them.
///
/// # Panics
/// Where the rows are not whole.
#[must_use]
pub fn line(rows: &[f64], data: &[f64]) -> Option<Vec<f64>> {
    assert!(!data.is_empty() && rows.len().is_multiple_of(data.len()), "a row for each datum");
    let count = rows.len() / data.len();
    let (normal, gradient) = normal_equations(data, &vec![0.0; data.len()], rows, count);
    solved(&normal, &gradient)
}

/// The sum of squared residuals; infinite where a value is not finite.
fn cost_of(data: &[f64], values: &[f64]) -> f64 {
    let sum: f64 = data.iter().zip(values).map(|(data, value)| (data - value) * (data - value)).sum();
    if sum.is_finite() { sum } else { f64::INFINITY }
}

/// `J^T J` (row by row) and `J^T r`.
fn normal_equations(data: &[f64], values: &[f64], derivatives: &[f64], count: usize) -> (Vec<f64>, Vec<f64>) {
    let mut normal = vec![0.0; count * count];
    let mut gradient = vec![0.0; count];
    for ((data, value), row) in data.iter().zip(values).zip(derivatives.chunks_exact(count)) {
        for i in 0..count {
            gradient[i] += row[i] * (data - value);
            for j in 0..=i {
                normal[i * count + j] += row[i] * row[j];
            }
        }
    }
    for i in 0..count {
        for j in 0..i {
            normal[j * count + i] = normal[i * count + j];
        }
    }
    (normal, gradient)
}

/// Solves `(N + damping diag N) step = gradient` over the free parameters by Cholesky's factorisation; `None` where
/// the matrix is not positive definite.
fn damped_step(
    normal: &[f64],
    gradient: &[f64],
    free: &[usize],
    count: usize,
    damping: f64,
) -> Option<Vec<f64>> {
    let n = free.len();
    let at =
        |i: usize, j: usize| normal[free[i] * count + free[j]] * if i == j { 1.0 + damping } else { 1.0 };
    let factor = factored(n, at)?;
    let mut step: Vec<f64> = free.iter().map(|i| gradient[*i]).collect();
    substitute(&factor, &mut step);
    Some(step)
}

/// Solves `matrix x = right` for every right side, `n` numbers each, one after the other; the matrix is `n x n`, symmetric.
/// `None` where it is not positive definite.
///
/// # Panics
/// Where the matrix is not square or the right sides are not whole.
#[must_use]
pub fn solved(matrix: &[f64], rights: &[f64]) -> Option<Vec<f64>> {
    let n = matrix.len().isqrt();
    assert!(n > 0 && n * n == matrix.len() && rights.len().is_multiple_of(n), "a square matrix, whole sides");
    let factor = factored(n, |i, j| matrix[i * n + j])?;
    let mut out = rights.to_vec();
    for right in out.chunks_exact_mut(n) {
        substitute(&factor, right);
    }
    Some(out)
}

/// Cholesky's lower factor of the symmetric matrix of these numbers; `None` where it is not positive definite.
fn factored(n: usize, at: impl Fn(usize, usize) -> f64) -> Option<Vec<f64>> {
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let mut sum = at(i, j);
            for k in 0..j {
                sum -= factor[i * n + k] * factor[j * n + k];
            }
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return None;
                }
                factor[i * n + i] = sum.sqrt();
            } else {
                factor[i * n + j] = sum / factor[j * n + j];
            }
        }
    }
    Some(factor)
}

/// Solves by a factor, in place.
fn substitute(factor: &[f64], step: &mut [f64]) {
    let n = step.len();
    for i in 0..n {
        for k in 0..i {
            step[i] -= factor[i * n + k] * step[k];
        }
        step[i] /= factor[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            step[i] -= factor[k * n + i] * step[k];
        }
        step[i] /= factor[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a exp(-b x)` at x = 0, 0.1, 0.2 ...
    struct Decay;

    impl Model for Decay {
        fn evaluate(&self, parameters: &[f64], values: &mut [f64], derivatives: &mut [f64]) {
            for (i, (value, row)) in values.iter_mut().zip(derivatives.chunks_exact_mut(2)).enumerate() {
                let x = i as f64 * 0.1;
                let decay = libm::exp(-parameters[1] * x);
                *value = parameters[0] * decay;
                row.copy_from_slice(&[decay, -x * parameters[0] * decay]);
            }
        }
    }

    fn data() -> Vec<f64> {
        (0..50).map(|i| 3.0 * libm::exp(-0.7 * f64::from(i) * 0.1)).collect()
    }

    #[test]
    fn exact_data_give_back_their_parameters() {
        let free = [(f64::NEG_INFINITY, f64::INFINITY); 2];
        let found = fit(&Decay, &data(), &[1.0, 0.0], &free).unwrap();
        assert!((found[0] - 3.0).abs() < 1e-7 && (found[1] - 0.7).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn a_bound_holds_and_the_others_make_the_best_of_it() {
        let found = fit(&Decay, &data(), &[1.0, 0.1], &[(0.0, 2.0), (0.0, 5.0)]).unwrap();
        assert!((found[0] - 2.0).abs() < 1e-12, "{found:?}");
        assert!(found[1] > 0.2 && found[1] < 0.7, "{found:?}");
    }

    #[test]
    fn a_start_where_the_model_is_not_defined_finds_nothing() {
        let free = [(f64::NEG_INFINITY, f64::INFINITY); 2];
        assert_eq!(fit(&Decay, &data(), &[f64::NAN, 0.0], &free), None);
    }

    #[test]
    fn every_right_side_is_solved_and_a_matrix_that_is_not_positive_definite_is_none() {
        let found = solved(&[4.0, 2.0, 2.0, 3.0], &[8.0, 7.0, 4.0, 2.0]).unwrap();
        let wanted = [1.25, 1.5, 1.0, 0.0];
        assert!(found.iter().zip(wanted).all(|(x, y)| (x - y).abs() < 1e-12), "{found:?}");
        assert_eq!(solved(&[1.0, 2.0, 2.0, 1.0], &[1.0, 1.0]), None);
    }
}
