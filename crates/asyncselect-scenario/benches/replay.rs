//! How fast a parsed script is replayed on one core, and how long the corpus takes from bytes to
//! verdicts.
//!
//! `cargo bench --package asyncselect-scenario --bench replay`

use std::path::Path;

use asyncselect_model::{Canonical, Profile, World};
use asyncselect_scenario::corpus;
use asyncselect_scenario::runner::{Deaf, run};
use asyncselect_scenario::script::Script;
use asyncselect_scenario::sim::Sim;
use asyncselect_scenario::simulate::verdict;
use asyncselect_scenario::source::Source;
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// Thirty steps: data back and forth on a registered pair, claims between.
fn thirty_steps() -> Script {
    let mut steps = vec![
        r#"{"do":{"WSAAsyncSelect":{"s":"a","hWnd":"w","wMsg":"WM_USER+1","lEvent":["FD_READ","FD_WRITE","FD_CLOSE"]}}}"#,
        r#"{"messages":[{"hWnd":"w","wMsg":"WM_USER+1","wParam":"a","event":"FD_WRITE"}]}"#,
    ];
    for _ in 0..7 {
        steps.extend([
            r#"{"do":{"send":{"s":"b","data":"hello"}}}"#,
            r#"{"messages":[{"hWnd":"w","wMsg":"WM_USER+1","wParam":"a","event":"FD_READ"}]}"#,
            r#"{"do":{"recv":{"s":"a","len":10}}}"#,
            r#"{"do":{"send":{"s":"a","data":"answer"}}}"#,
        ]);
    }
    let text = format!(
        r#"{{"format":1,"title":"thirty steps","clauses":["AS-RD-02"],
            "setup":{{"windows":["w"],"pairs":[["b","a"]]}},"steps":[{}]}}"#,
        steps.join(",")
    );
    Script::check(Source { path: "thirty-steps.json".into(), text }).expect("it is a scenario")
}

/// Scripts a second: setting up a window and a pair, thirty steps, messages retrieved.
#[divan::bench]
fn replay_30_steps(bencher: Bencher<'_, '_>) {
    let script = thirty_steps();
    assert_eq!(script.steps.len(), 30);
    let mut sim = Sim::<false>::new(Profile::windows(), Canonical);
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| run(&script, &mut sim, &mut Deaf));
}

/// Copies of a world a second, for scale.
#[divan::bench]
fn clone_world(bencher: Bencher<'_, '_>) {
    let world = World::new(&Profile::windows());
    bencher.counter(ItemsCount::new(1_u32)).bench(|| divan::black_box(&world).clone());
}

/// Files a second: read, parsed, checked, run on one profile, judged.
#[divan::bench]
fn corpus_from_bytes_to_verdicts(bencher: Bencher<'_, '_>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = corpus::find(&[root]).expect("the corpus is there");
    let profile = Profile::windows();
    bencher.counter(ItemsCount::new(files.len())).bench_local(|| {
        let scripts = files.iter().map(|file| Script::read(file).expect("it is a scenario"));
        scripts.filter(|script| verdict(script, &profile).is_failure()).count()
    });
}
