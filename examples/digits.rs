//! Restores small pictures by a one-shot memory: its judge is `scripts/peers/memory_check.py`.
//!
//! `digits < tasks.json`: `{ "train": [[..]], "tasks": [{ "matrix": [[..]], "judged": [..], "seen": [[..]] }] }`, where
//! `matrix` is what was seen of a picture. Prints, for every task, the temperature, which was chosen by leaving one of
//! the training pictures out, and what the memory makes of `seen`.

use std::io::Read;

use napot::error::{Error, Result};
use napot::memory::dense::{Dense, Projection};
use serde::{Deserialize, Serialize};

/// What is asked.
#[derive(Deserialize)]
struct Asked {
    train: Vec<Vec<f32>>,
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
struct Task {
    matrix: Vec<Vec<f32>>,
    judged: Vec<usize>,
    seen: Vec<Vec<f32>>,
}

/// What is answered.
#[derive(Serialize)]
struct Answer {
    temperature: f32,
    pictures: Vec<Vec<f32>>,
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(answers) => {
            println!("{}", serde_json::to_string(&answers).expect("answers are plain numbers"));
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::from(error.kind().exit_code())
        }
    }
}

fn run() -> Result<Vec<Answer>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Error::input("-", error.to_string()))?;
    let asked: Asked = serde_json::from_str(&text).map_err(|error| Error::input("-", error.to_string()))?;
    let dims = asked.train.first().map_or(0, Vec::len);
    if dims == 0 || asked.train.iter().any(|row| row.len() != dims) {
        return Err(Error::input("-", "the training pictures are not all of one size").value(dims));
    }
    let mut memory = Dense::new(dims, asked.train.len(), 0);
    memory.learn(&asked.train.concat(), 0.0)?;
    let temperatures = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];
    let answer = |task: &Task| {
        let look = Projection::new(task.matrix.concat(), dims);
        let temperature = memory.best_temperature(&look, &temperatures, &task.judged);
        let found = memory.read(&look, &task.seen.concat(), temperature, 2);
        Answer { temperature, pictures: found.chunks(dims).map(<[f32]>::to_vec).collect() }
    };
    Ok(asked.tasks.iter().map(answer).collect())
}
