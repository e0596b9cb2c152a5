//! How far a long run is, on a terminal; never on standard output.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs that are shorter than this show nothing, so that nothing flickers.
const SILENT_FOR: Duration = Duration::from_millis(300);

/// A bar that is drawn on standard error once a run has lasted a while, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begin: Instant,
    /// Whether the bar is still to be drawn, when it is time.
    waits: AtomicBool,
}

impl Progress {
    /// Begins a run of so many scenarios. One that is not wanted is never drawn.
    pub(crate) fn new(wanted: bool, scenarios: usize) -> Self {
        let len = u64::try_from(scenarios).ok();
        let bar = ProgressBar::with_draw_target(len, ProgressDrawTarget::hidden());
        // No colours: NO_COLOR has nothing to take away.
        let style = ProgressStyle::with_template("{pos}/{len} [{bar:30}] {wide_msg}");
        bar.set_style(style.expect("the template is right").progress_chars("=> "));
        Self { bar, begin: Instant::now(), waits: AtomicBool::new(wanted) }
    }

    /// The next scenario begins.
    pub(crate) fn begin(&self, scenario: &str) {
        let late = self.begin.elapsed() >= SILENT_FOR;
        if late && self.waits.swap(false, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(scenario.to_owned());
    }

    /// The scenario has ended.
    pub(crate) fn end(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
