//! The adapter's edge: arguments, and one line in for one line out.

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use asyncselect_abi::protocol::{LINE_LEN_MAX, Request, RequestBody, Response, ResponseBody};

use crate::session::Session;

/// The command line.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags {
    /// `--nagle`: leave Nagle's algorithm on.
    pub(crate) nagle: bool,
    /// `--settle-wait-ms N`: how long `settle` sleeps after its fences. Zero unless somebody looks
    /// for messages that come later, or has steps that need real time.
    pub(crate) settle_wait: Duration,
}

/// Why the adapter ends without having been told to.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(
        "argument `{0}`; known are --nagle, --settle-wait-ms N; to record: run BUNDLE --out FILE"
    )]
    Argument(String),
    #[error("a line longer than {LINE_LEN_MAX} bytes")]
    LineLength,
    #[error("a line without an id: {0}")]
    NoRequest(serde_json::Error),
    #[error("standard input or output: {0}")]
    Io(#[from] io::Error),
    #[error("a response that cannot be written as JSON: {0}")]
    Response(serde_json::Error),
}

/// Answers requests until `bye` or the end of the input.
pub(crate) fn main() -> ExitCode {
    match parse_flags().and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "asyncselect-live: {failure}");
            ExitCode::from(2)
        }
    }
}

fn parse_flags() -> Result<Flags, Failure> {
    let mut flags = Flags::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--nagle" => flags.nagle = true,
            "--settle-wait-ms" => {
                let ms = args.next().unwrap_or_default();
                let ms = ms.parse().map_err(|_| Failure::Argument(format!("{arg} {ms}")))?;
                flags.settle_wait = Duration::from_millis(ms);
            }
            _ => return Err(Failure::Argument(arg)),
        }
    }
    Ok(flags)
}

fn serve(flags: Flags) -> Result<(), Failure> {
    let mut session = Session::new(flags);
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(LINE_LEN_MAX).expect("a line fits in memory");
        if input.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() == LINE_LEN_MAX {
            return Err(Failure::LineLength);
        }
        let (response, last) = respond(&mut session, &line)?;
        let mut text = serde_json::to_vec(&response).map_err(Failure::Response)?;
        text.push(b'\n');
        output.write_all(&text)?;
        output.flush()?;
        if last {
            return Ok(());
        }
    }
}

/// The response to a line, and whether it was the last one.
fn respond(session: &mut Session, line: &[u8]) -> Result<(Response, bool), Failure> {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            let why = format!("this request: {error}");
            let id = request_id(line).ok_or(Failure::NoRequest(error))?;
            let body = ResponseBody::Unsupported(why);
            return Ok((Response { id, body }, false));
        }
    };
    let last = matches!(request.body, RequestBody::Bye {});
    let deadline = Duration::from_millis(request.deadline_ms.into());
    let body = session.answer(request.body, deadline);
    let id = request.id;
    Ok((Response { id, body }, last))
}

/// The id of a request that is otherwise not understood, from a newer tool for example.
fn request_id(line: &[u8]) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("id")?.as_u64()
}
