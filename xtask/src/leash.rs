//! Child processes that cannot outlive us.
//!
//! Each command runs in a process group of its own, under a small shell that holds the reading end of a pipe. When the task runner
//! ends, however it ends (done, failed, ctrl-C, killed), the pipe closes and the shell ends the group. Only processes that we started
//! are in that group.

use crate::root;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

/// "done" on the pipe: the command is over, end stragglers now. The pipe closed without it: interrupt, give 3 s to clean up, end.
const SHELL: &str = r#"
exec 3<&0
( read -r word <&3
  if [ "$word" != done ]; then kill -s INT -- -$$; sleep 3; fi
  kill -s TERM -- -$$ ) >/dev/null 2>&1 &
"$@" </dev/null 3<&-
exit $?
"#;

/// One command to run: what to start, where, and what to add to its environment.
pub struct Task {
    program: String,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// How a command ended, with what it printed when that was kept.
pub struct Ended {
    pub success: bool,
    pub output: String,
}

pub fn task(program: &str, arguments: &[&str]) -> Task {
    Task {
        program: program.to_owned(),
        arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        folder: root(),
        environment: Vec::new(),
    }
}

/// The cargo that runs us, so that a toolchain override holds for the stages too.
pub fn cargo(arguments: &[&str]) -> Task {
    task(
        &std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
        arguments,
    )
}

impl Task {
    pub fn within(mut self, folder: PathBuf) -> Task {
        self.folder = folder;
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Task {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn with_all(mut self, environment: &[(String, String)]) -> Task {
        self.environment.extend_from_slice(environment);
        self
    }

    /// Runs to the end, its output going straight to ours.
    pub fn run(&self) -> anyhow::Result<bool> {
        let child = self.spawn(Stdio::inherit, Stdio::inherit)?;
        Ok(wait(child, Vec::new())?.success)
    }

    /// Runs to the end, showing the output and keeping it for counting.
    pub fn run_keeping_output(&self) -> anyhow::Result<Ended> {
        let mut child = self.spawn(Stdio::piped, Stdio::piped)?;
        let readers = vec![
            child
                .stdout
                .take()
                .map(|it| thread::spawn(move || copy_lines(it, std::io::stdout()))),
            child
                .stderr
                .take()
                .map(|it| thread::spawn(move || copy_lines(it, std::io::stderr()))),
        ];
        wait(child, readers.into_iter().flatten().collect())
    }

    /// Runs to the end and returns standard output; what it says on standard error is shown.
    pub fn read(&self) -> anyhow::Result<String> {
        let mut child = self.spawn(Stdio::piped, Stdio::inherit)?;
        let reader = child
            .stdout
            .take()
            .map(|it| thread::spawn(move || copy_lines(it, std::io::sink())));
        let ended = wait(child, reader.into_iter().collect())?;
        anyhow::ensure!(ended.success, "`{}` failed", self.line());
        Ok(ended.output)
    }

    pub fn line(&self) -> String {
        format!("{} {}", self.program, self.arguments.join(" "))
    }

    fn spawn(&self, stdout: fn() -> Stdio, stderr: fn() -> Stdio) -> anyhow::Result<Child> {
        let child = Command::new("sh")
            .args(["-c", SHELL, "leash"])
            .arg(&self.program)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(stdout())
            .stderr(stderr())
            .spawn()?;
        Ok(child)
    }
}

fn wait(mut child: Child, readers: Vec<thread::JoinHandle<String>>) -> anyhow::Result<Ended> {
    // `Child::wait` would close the pipe first, and that is the signal to end the group.
    let mut leash = child.stdin.take();
    let status = child.wait()?;
    if let Some(pipe) = leash.as_mut() {
        let _ = pipe.write_all(b"done\n");
    }
    drop(leash);
    let output = readers
        .into_iter()
        .map(|it| it.join().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    Ok(Ended {
        success: status.success(),
        output,
    })
}

fn copy_lines(from: impl Read, mut to: impl Write) -> String {
    let mut kept = String::new();
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let _ = to.write_all(&line);
        let _ = to.flush();
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::task;
    use std::time::{Duration, Instant};

    #[test]
    fn output_and_failure_come_back() {
        let ended = task("sh", &["-c", "echo out; echo err >&2; exit 3"])
            .run_keeping_output()
            .unwrap();
        assert!(!ended.success);
        assert!(ended.output.contains("out") && ended.output.contains("err"));
        assert_eq!(task("printf", &["%s", "a b"]).read().unwrap(), "a b");
    }

    #[test]
    fn a_straggler_ends_with_its_command() {
        let started = Instant::now();
        // The straggler holds our pipe: without the leash, reading would wait for its 30 s.
        let ended = task("sh", &["-c", "sleep 30 & echo $!"]).run_keeping_output().unwrap();
        assert!(ended.success);
        assert!(started.elapsed() < Duration::from_secs(15));
    }
}
