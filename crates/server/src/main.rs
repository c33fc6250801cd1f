//! The `signalbox` command. All of it lives in the library, where tests reach it.

fn main() -> std::process::ExitCode {
    signalbox_server::command_line::run()
}
