//! Replay: a client, a server and some echoes, by turmoil and by our simulator.
//!
//! In both the server listens, the client connects, and each byte that the client sends comes back
//! before it sends the next; both check every byte. turmoil runs programs written with tokio and
//! wakes them, ours runs a script that waits for window messages. Why it is fair: both simulate
//! connection, transport, waiting and waking, and both begin from nothing each time. Where it is
//! not: turmoil runs any program, which it builds a runtime for; ours knows which messages must
//! come and judges them, and its script was read before. turmoil's time goes in ticks; it is given
//! a network without delay, in which it needs the fewest.

use std::time::Duration;

use asyncselect_model::Profile;
use asyncselect_scenario::judge::Agreement;
use asyncselect_scenario::script::Script;
use asyncselect_scenario::simulate::verdict;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

use crate::scripts;

/// A scenario with so many echoes.
pub(crate) struct Echoes {
    count: u32,
    script: Script,
    profile: Profile,
}

impl Echoes {
    pub(crate) fn new(count: u32) -> Self {
        Self { count, script: scripts::echoes(count), profile: Profile::windows() }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Runs and judges it; whether all went as it must.
    pub(crate) fn ours(&self) -> bool {
        verdict(&self.script, &self.profile).agreement == Agreement::Agrees
    }

    /// The same by turmoil.
    pub(crate) fn turmoil(&self) -> bool {
        let count = self.count;
        let mut sim = turmoil::Builder::new()
            .min_message_latency(Duration::ZERO)
            .max_message_latency(Duration::ZERO)
            .rng_seed(1)
            .build();
        sim.host("server", move || async move {
            let listener = TcpListener::bind("0.0.0.0:7").await?;
            let (mut stream, _) = listener.accept().await?;
            let mut byte = [0];
            for _ in 0..count {
                stream.read_exact(&mut byte).await?;
                stream.write_all(&byte).await?;
            }
            Ok(())
        });
        sim.client("client", async move {
            let mut stream = TcpStream::connect("server:7").await?;
            let mut byte = [0];
            for _ in 0..count {
                stream.write_all(b"x").await?;
                stream.read_exact(&mut byte).await?;
                assert_eq!(byte, *b"x");
            }
            Ok(())
        });
        sim.run().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use asyncselect_abi::Data;
    use asyncselect_scenario::runner::Observation;
    use asyncselect_scenario::simulate::simulate;

    use super::*;

    #[test]
    fn every_byte_comes_back_in_both() {
        for count in [1, 10] {
            let echoes = Echoes::new(count);
            assert!(echoes.turmoil(), "its client checks each byte");
            assert!(echoes.ours(), "its script checks each byte");
            let seen = simulate(&echoes.script, &echoes.profile).seen;
            let x = Some(Data::describe(b"x"));
            let is_byte = |seen: &&Observation| match seen {
                Observation::Return { data, .. } => *data == x,
                Observation::NeverFailed { .. }
                | Observation::Waiting { .. }
                | Observation::Messages { .. } => false,
            };
            assert_eq!(seen.iter().filter(is_byte).count(), 2 * count as usize, "both ways");
        }
    }
}
