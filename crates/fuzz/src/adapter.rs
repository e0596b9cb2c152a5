//! What adapters write.

use std::time::Duration;

use asyncselect_abi::BackendError;
use asyncselect_scenario::adapter::{Adapter, Peer, read_line};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::{Run, run_on};
use asyncselect_scenario::stack::Stack;

use crate::scripts::SCRIPTS;
use crate::shown::{self, lot};
use crate::stack;

/// What stands in the bytes for the number of the question: nobody could guess it.
const ID: &[u8] = br#"{"id":"?","#;

/// What an adapter writes. The first line is the number of the first scenario that it is asked
/// about; when that is over, it is asked about the next, if there is more to read.
pub fn adapter(data: &[u8]) {
    let first = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let said = data.get(first.len() + 1..).unwrap_or_default();
    let first = std::str::from_utf8(first).ok().and_then(|first| first.parse().ok());
    let first: usize = first.unwrap_or_default();
    let scripts = [first, first.wrapping_add(1)].map(|index| &SCRIPTS[index % SCRIPTS.len()]);
    let runs = runs_on(said, scripts);
    assert_eq!(runs, runs_on(said, scripts), "a second run shows another");
    for (script, run) in scripts.iter().zip(&runs) {
        stack::judged(script, run, lot(data));
    }
}

fn runs_on(said: &[u8], scripts: [&Script; 2]) -> Vec<Run> {
    let peer = Saying { rest: said, runs: false };
    let mut adapter = match Adapter::of(peer, (0, Duration::ZERO)) {
        Ok(adapter) => adapter,
        Err(error) => {
            shown::backend(&error);
            return Vec::new();
        }
    };
    shown::printable(adapter.label(), "");
    scripts.map(|script| run_on(script, &mut adapter)).into()
}

/// An adapter that says what it says, whatever it is asked.
#[derive(Debug)]
struct Saying<'b> {
    rest: &'b [u8],
    runs: bool,
}

impl Peer for Saying<'_> {
    fn start(&mut self) -> Result<(), BackendError> {
        self.runs = true;
        Ok(())
    }

    fn is_running(&self) -> bool {
        self.runs
    }

    fn ask(&mut self, line: String, _: &str, _: Duration) -> Result<String, BackendError> {
        let heard = match self.rest.strip_prefix(ID) {
            Some(rest) => {
                let (id, _) = line.split_once(',').expect("a request has several fields");
                let mut filled = format!("{id},").into_bytes();
                let end =
                    rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
                filled.extend_from_slice(&rest[..end]);
                self.rest = &rest[end..];
                read_line(&mut &filled[..])
            }
            None => read_line(&mut self.rest),
        };
        match heard {
            None => Err(BackendError::Died("it closed its output".to_owned())),
            Some(Err(what)) => Err(BackendError::Garbage(what)),
            Some(Ok(line)) => Ok(line),
        }
    }

    fn stop(&mut self) {
        self.runs = false;
    }
}
