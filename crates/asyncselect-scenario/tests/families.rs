//! The address family is nothing that a rule asks for: the whole corpus does the same on IPv6 as on
//! IPv4, event by event, so that one snapshot serves both. All that differs is how the addresses
//! are spelled that getsockname and getpeername answer.

use std::net::SocketAddr;
use std::path::Path;

use asyncselect_abi::{Family, HostId, Value};
use asyncselect_model::{Effect, Profile};
use asyncselect_scenario::corpus;
use asyncselect_scenario::runner::{self, Deaf};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::script_file::Need;
use asyncselect_scenario::simulate::{simulator, trace, verdict};
use asyncselect_scenario::stack::Stack;
use asyncselect_scenario::trace::TraceLine;

fn scripts() -> Vec<Script> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).unwrap();
    files.iter().map(|file| Script::read(file).unwrap()).collect()
}

fn text(lines: &[TraceLine]) -> String {
    serde_json::to_string(lines).unwrap()
}

/// A text with the IPv4 addresses of all machines in the place of their IPv6 addresses.
fn respelled(text: String) -> String {
    (0..4).map(HostId).fold(text, |text, host| {
        let [to, from] = Family::ALL.map(|family| SocketAddr::new(family.of_host(host), 0));
        let bare = |address: SocketAddr| address.to_string().trim_end_matches('0').to_owned();
        text.replace(&bare(from), &bare(to))
    })
}

#[test]
fn both_families_show_the_same_trace_and_verdicts() {
    for script in scripts() {
        let on_ipv6 = script.clone().on(Family::Ipv6);
        for profile in Profile::built_in() {
            let where_ = format!("{} on {}", script.id, profile.name());
            let ((lines, ending), (lines_ipv6, ending_ipv6)) =
                (trace(&script, &profile), trace(&on_ipv6, &profile));
            assert_eq!(text(&lines), respelled(text(&lines_ipv6)), "{where_}");
            assert_eq!(ending, ending_ipv6, "{where_}");
            assert_eq!(verdict(&script, &profile), verdict(&on_ipv6, &profile), "{where_}");
        }
    }
}

/// The test above could not fail if the family never reached the model.
#[test]
fn addresses_are_of_the_family() {
    let mut asked = 0;
    let profile = Profile::documented();
    for script in scripts() {
        for family in Family::ALL {
            let script = script.clone().on(family);
            let mut sim = simulator::<true>(&script, &profile);
            // Nobody listens, so the effects of the whole run are there at its end.
            runner::run(&script, &mut sim, &mut Deaf);
            for effect in sim.take_effects() {
                if let Effect::Return { reply, .. } = effect
                    && let Ok(Value::Address(address)) = reply.result
                {
                    asked += 1;
                    assert_eq!(address.is_ipv6(), family == Family::Ipv6, "{}", script.id);
                }
            }
        }
    }
    assert!(asked > 0, "some scenario asks for names");
}

#[test]
fn ipv6_is_a_need_of_the_run_and_of_no_file() {
    let script = scripts().swap_remove(0);
    assert_eq!(script.family, Family::Ipv4);
    let needs = |script: &Script| script.needs.contains(&Need::Ipv6);
    assert!(!needs(&script));
    let on_ipv6 = script.on(Family::Ipv6);
    assert!(needs(&on_ipv6));
    assert!(!needs(&on_ipv6.on(Family::Ipv4)));
}
