//! The live backend: an executable that makes Winsock calls on real sockets, on Windows and under
//! Wine, and speaks the adapter protocol (`asyncselect_abi::protocol`) on stdin and stdout.
//!
//! | module | what |
//! |---|---|
//! | `run`, `player`, `child`, `bundle_file` | `run BUNDLE`: scenarios for a machine that has nothing else; on any system |
//! | `stdio` | arguments, and one line in for one line out |
//! | `session` | what is remembered between requests, and the answer to each |
//! | `worker` | the OS thread behind a thread of the script |
//! | `perform` | one call of the protocol is one API call and one reply |
//! | `fence` | the proof that no message is still on its way |
//! | `flow` | bytes held back inside the network, which no fence can see |
//! | `sys` | all foreign functions, nothing else |
//! | `refusal` | what cannot be done, and the words for it |
//!
//! Command line, both for checking the adapter itself: `--settle-wait-ms N` sleeps after each
//! fence, `--nagle` leaves Nagle's algorithm on. Exit codes: 0 after `bye` or the end of input, 2
//! for a line that is no request or a wrong argument, 4 where there is no Winsock. With `run` as
//! the first argument it runs a bundle instead, see `run`.
// UNSAFETY: Winsock and windows are C; `sys` is the one module that calls them.
#![cfg_attr(
    windows,
    expect(unsafe_code, reason = "foreign functions are this crate's job; see sys.rs")
)]

mod bundle_file;
mod child;
#[cfg(windows)]
mod fence;
#[cfg(windows)]
mod flow;
#[cfg(windows)]
mod perform;
mod player;
#[cfg(windows)]
mod refusal;
mod run;
#[cfg(windows)]
mod session;
#[cfg(windows)]
mod stdio;
#[cfg(windows)]
mod sys;
#[cfg(windows)]
mod worker;

use std::process::ExitCode;

#[cfg(windows)]
pub(crate) use stdio::Flags;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    match args.next_if(|arg| arg == "run") {
        Some(_) => run::main(args),
        None => serve(),
    }
}

#[cfg(windows)]
fn serve() -> ExitCode {
    stdio::main()
}

#[cfg(not(windows))]
fn serve() -> ExitCode {
    use std::io::Write;
    let _ = writeln!(
        std::io::stderr(),
        "asyncselect-live needs Winsock: run the Windows executable, on Windows or under Wine"
    );
    ExitCode::from(4)
}
