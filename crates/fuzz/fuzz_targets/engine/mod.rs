//! A target for libFuzzer: half of the changes are its own, of bytes, and half of JSON.

macro_rules! fuzz {
    ($name:literal) => {
        static TARGET: std::sync::LazyLock<asyncselect_fuzz::Target> =
            std::sync::LazyLock::new(|| asyncselect_fuzz::Target::named($name));

        libfuzzer_sys::fuzz_target!(|data: &[u8]| (TARGET.run)(data));

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let changed = match seed % 4 {
                0 => None,
                _ => {
                    let (seed, data) = (u64::from(seed), &data[..size]);
                    asyncselect_fuzz::mutate::mutate(data, data, TARGET.shape, max_size, seed)
                }
            };
            match changed {
                Some(changed) => {
                    data[..changed.len()].copy_from_slice(&changed);
                    changed.len()
                }
                None => libfuzzer_sys::fuzzer_mutate(data, size, max_size),
            }
        });

        libfuzzer_sys::fuzz_crossover!(|data: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
            let seed = u64::from(seed);
            let changed =
                asyncselect_fuzz::mutate::mutate(data, other, TARGET.shape, out.len(), seed);
            let changed = changed.unwrap_or_default();
            out[..changed.len()].copy_from_slice(&changed);
            changed.len()
        });
    };
}

pub(crate) use fuzz;
