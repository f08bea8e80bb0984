//! The scripts behind `make`: what they do where something is missing, shown on a machine made up for the test.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder of programs that is a script's whole world.
struct Machine(TempDir);

impl Machine {
    /// A machine with the usual small tools and nothing else.
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for tool in
            ["sh", "basename", "dirname", "mktemp", "rm", "cat", "tee", "awk", "grep", "sort", "env", "true"]
        {
            let real = find(tool).unwrap_or_else(|| panic!("this machine has no `{tool}`"));
            symlink(real, machine.0.path().join(tool)).unwrap();
        }
        machine
    }

    /// A machine with what the build needs but a compiler.
    fn with_libraries() -> Self {
        Self::new().with("pkg-config", "").with("libclang.so", "")
    }

    /// Adds a program.
    fn with(self, name: &str, script: &str) -> Self {
        let path = self.0.path().join(name);
        fs::write(&path, format!("#!{}\n{script}\n", find("sh").unwrap().display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Output {
        self.run_with(script, arguments, &[])
    }

    /// The same, with more in the environment.
    fn run_with(&self, script: &str, arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
        Command::new(find("sh").unwrap())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script))
            .args(arguments)
            .env("PATH", self.0.path())
            // Libraries are looked for where the programs are.
            .env("NAPOT_LIBRARIES", self.0.path())
            .env_remove("LIBCLANG_PATH")
            .envs(environment.iter().copied())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    }
}

fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

fn cargo_that_prints(lines: &str, code: u8) -> Machine {
    Machine::new().with("cargo", &format!("printf '%s\\n' '{lines}'\nexit {code}"))
}

#[test]
fn a_test_run_without_tests_fails() {
    let output =
        cargo_that_prints("running 0 tests\ntest result: ok. 0 passed; 0 failed", 0).run("test.sh", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("No test ran"), "{}", said(&output));
}

#[test]
fn a_test_run_counts_what_passed_and_names_what_was_skipped() {
    let lines = "test result: ok. 2 passed; 0 failed\nsuccesses:\nSKIPPED: no data\nchatter\ntest result: ok. 3 passed; 0 failed";
    let output = cargo_that_prints(lines, 0).run("test.sh", &[]);
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("5 tests passed.") && said.contains("SKIPPED: no data"), "{said}");
    assert!(!said.contains("chatter"), "{said}");
}

#[test]
fn a_failing_test_run_fails_with_cargos_code() {
    let output = cargo_that_prints("test result: FAILED. 2 passed; 1 failed", 101).run("test.sh", &[]);
    assert_eq!(output.status.code(), Some(101), "{}", said(&output));
}

const WORKS: &str = "while [ $# -gt 0 ]; do [ \"$1\" = -o ] && : >\"$2\"; shift; done";

#[test]
fn where_all_is_there_nothing_is_installed_and_nothing_said() {
    let machine = Machine::with_libraries()
        .with("cargo", "")
        .with("cc", WORKS)
        .with("ffmpeg", "")
        .with("apt-get", "exit 9");
    let output = machine.run("install.sh", &["build", "lint", "media"]);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
}

#[test]
fn a_missing_compiler_is_installed_as_root() {
    let machine =
        Machine::new().with("cargo", "").with("id", "echo 0").with("apt-get", "echo \"called: $*\"");
    let output = machine.run("install.sh", &["build"]);
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("missing: gcc libc6-dev") && said.contains("install -y"), "{said}");
}

#[test]
fn what_devices_are_built_with_is_installed() {
    let machine = Machine::new().with("cargo", "").with("cc", WORKS).with("id", "echo 0");
    let output = machine.with("apt-get", "").run("install.sh", &["build"]);
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    assert!(
        said.contains("missing: libasound2-dev libjack-jackd2-dev pkg-config")
            && said.contains("missing: libclang-dev"),
        "{said}"
    );
}

#[test]
fn a_software_adapter_is_installed_where_vulkan_has_none() {
    let machine =
        || Machine::new().with("cargo", "").with("id", "echo 0").with("apt-get", "echo \"called: $*\"");
    let drivers = tempfile::tempdir().unwrap();
    let environment = [("NAPOT_VULKAN", drivers.path())];
    let output = machine().run_with("install.sh", &["gpu"], &environment);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("missing: mesa-vulkan-drivers libvulkan1"), "{}", said(&output));
    fs::write(drivers.path().join("lvp_icd.x86_64.json"), "{}").unwrap();
    let output = machine().run_with("install.sh", &["gpu"], &environment);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
}

#[test]
fn sound_servers_for_the_tests_are_installed_and_can_be_done_without() {
    let plugins = tempfile::tempdir().unwrap();
    let environment = [("NAPOT_ALSA", plugins.path())];
    let bare = Machine::new().with("id", "echo 1000").run_with("install.sh", &["rigs"], &environment);
    assert!(bare.status.success(), "{}", said(&bare));
    let packages = "missing: pulseaudio pulseaudio-utils libasound2-plugins";
    assert!(said(&bare).contains("missing: jackd2") && said(&bare).contains(packages), "{}", said(&bare));
    fs::create_dir_all(plugins.path().join("any/alsa-lib")).unwrap();
    fs::write(plugins.path().join("any/alsa-lib/libasound_module_pcm_pulse.so"), "").unwrap();
    let servers = ["jackd", "jack_lsp", "pulseaudio", "pactl"];
    let machine = servers.iter().fold(Machine::new(), |machine, server| machine.with(server, ""));
    let output = machine.run_with("install.sh", &["rigs"], &environment);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
}

#[test]
fn a_virtual_machine_is_optional_and_a_test_without_one_is_skipped_aloud() {
    let bare = Machine::new().with("id", "echo 1000").run("install.sh", &["vm"]);
    assert!(bare.status.success(), "{}", said(&bare));
    assert!(said(&bare).contains("missing: busybox-static cpio kmod v4l-utils"), "{}", said(&bare));
    let tools = ["busybox", "cpio", "depmod", "v4l2-ctl", "aplay", "python3"];
    let machine = tools.iter().fold(Machine::new(), |machine, tool| machine.with(tool, ""));
    let output = machine.run("install.sh", &["vm"]);
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
    let skipped = Machine::new().run("test_vm.sh", &["napot"]);
    assert!(skipped.status.success(), "{}", said(&skipped));
    assert!(
        said(&skipped).contains("SKIPPED: the virtual machine needs apt-get busybox"),
        "{}",
        said(&skipped)
    );
}

#[test]
fn without_root_what_is_needed_is_named_and_fails_and_what_is_optional_is_named_and_does_not() {
    let bare =
        || Machine::with_libraries().with("cargo", "").with("id", "echo 1000").with("apt-get", "exit 9");
    let needed = bare().run("install.sh", &["build"]);
    assert_eq!(needed.status.code(), Some(1), "{}", said(&needed));
    assert!(said(&needed).contains("apt-get install gcc libc6-dev"), "{}", said(&needed));
    let optional = bare().with("cc", WORKS).run("install.sh", &["build", "media"]);
    assert!(optional.status.success(), "{}", said(&optional));
    assert!(said(&optional).contains("going on without: ffmpeg"), "{}", said(&optional));
}

#[test]
fn sudo_is_used_where_it_is_there() {
    let machine = Machine::new().with("cargo", "").with("id", "echo 1000").with("apt-get", "");
    let output = machine.with("sudo", "echo \"sudo $*\"").run("install.sh", &["build"]);
    assert!(output.status.success() && said(&output).contains("sudo -n env"), "{}", said(&output));
}

#[test]
fn missing_rust_and_a_system_without_apt_are_told() {
    let output = Machine::new().with("cc", WORKS).run("install.sh", &["build"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("rustup"), "{}", said(&output));
    let output = Machine::new().with("cargo", "").with("id", "echo 0").run("install.sh", &["build"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no apt-get"), "{}", said(&output));
}

#[test]
fn a_missing_component_is_added_and_an_unknown_group_is_refused() {
    let machine = Machine::new().with("cargo", "[ \"$1\" != clippy ]").with("rustup", "echo \"rustup $*\"");
    let output = machine.run("install.sh", &["lint"]);
    assert!(
        output.status.success() && said(&output).contains("rustup component add clippy"),
        "{}",
        said(&output)
    );
    let output = Machine::new().run("install.sh", &["everything"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("everything"), "{}", said(&output));
}

#[test]
fn a_check_on_64_bit_arm_without_its_pieces_is_skipped_aloud() {
    let output = Machine::new().run("check_arm64.sh", &[]);
    assert!(output.status.success(), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("SKIPPED") && said.contains("aarch64-linux-gnu-gcc, qemu-aarch64"), "{said}");
}
