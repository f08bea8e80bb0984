//! The program: parses the call, runs the command, turns its outcome into an exit code.

fn main() -> std::process::ExitCode {
    napot::command::main()
}
