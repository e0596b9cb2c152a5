//! A run that goes one way of many.

use asyncselect_model::Chooser;

use super::runs::{First, Freedom};
use crate::program::{Pause, Program};
use crate::runner::{Ending, Observer, Place};
use crate::script::{Op, Script};
use crate::sim::Sim;
use crate::stack::{Happening, Stack};

/// Is told of the way as well as of what is seen on it. Every method has a body that does nothing.
pub trait Traveller: Observer {
    /// This happened before the program went on.
    fn first(&mut self, _: Happening) {}
    /// The program took up a step.
    fn took_up(&mut self, _: usize, _: &Op) {}
    /// The call that was made last never returns.
    fn blocked(&mut self) {}
}

/// Carries a script out as scheduled, and looks at what is left where a call never returns. A
/// schedule that ends early ends the run.
pub fn replay<const RECORD: bool>(
    script: &Script,
    freedom: Freedom,
    sim: &mut Sim<RECORD, impl Chooser>,
    schedule: &[First],
    traveller: &mut impl Traveller,
) {
    let Ok(mut program) = Program::begin(script, sim) else { return };
    if freedom == Freedom::AllCalls {
        program.leave_all_open();
    }
    if let Err(Ending::Blocked(_)) = go_on(&mut program, sim, schedule, traveller) {
        traveller.blocked();
        program.abandon();
        // There are only queues to look at, which cannot fail.
        drop(program.rest(sim, traveller).and_then(|()| go_on(&mut program, sim, &[], traveller)));
    }
}

fn go_on<const RECORD: bool>(
    program: &mut Program<'_>,
    sim: &mut Sim<RECORD, impl Chooser>,
    schedule: &[First],
    traveller: &mut impl Traveller,
) -> Result<(), Ending> {
    program.set_up(sim, traveller)?;
    let mut schedule = schedule.iter();
    loop {
        let only_goes_on = program.insists() || sim.is_at_rest();
        let first = if only_goes_on { Some(&First::Program) } else { schedule.next() };
        match first {
            Some(First::Happening(happening)) => {
                sim.happen(*happening).map_err(|error| Ending::Failed(program.place(), error))?;
                program.tell(sim, traveller);
                traveller.first(*happening);
            }
            Some(First::Program) => {
                let before = program.place();
                let pause = program.proceed(sim, traveller)?;
                let after = program.place();
                if let (true, Place::Step(index)) = (before != after, after) {
                    traveller.took_up(index, &program.script().steps[index]);
                }
                if pause == Pause::Over {
                    return Ok(());
                }
            }
            None => return Ok(()),
        }
    }
}
