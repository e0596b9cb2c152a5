//! The published schemas.

use schemars::{Schema, schema_for};

use crate::script::suite::SuiteFile;
use crate::script_file::ScriptFile;
use crate::trace::TraceLine;

/// The schema of scenario files, format 1.
#[must_use]
pub fn scenario() -> Schema {
    schema_for!(ScriptFile)
}

/// The schema of suite files, format 1.
#[must_use]
pub fn suite() -> Schema {
    schema_for!(SuiteFile)
}

/// The schema of a line of a trace.
#[must_use]
pub fn trace_line() -> Schema {
    schema_for!(TraceLine)
}
