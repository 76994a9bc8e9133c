//! What the program does when it is told to end (Ctrl-C, `kill`): it leaves no partial
//! file behind, and ends as any program does.

/// From now on SIGINT, SIGTERM and SIGHUP remove the files that are under way first.
#[cfg(unix)]
pub(super) fn tidy_up_when_told_to_end() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let wanted: Vec<i32> =
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal)).collect();
    // Without a handler, or a thread for it, signals do what they always do.
    let Ok(mut signals) = signal_hook::iterator::Signals::new(&wanted) else { return };
    let handler = std::thread::Builder::new().name("signals".to_owned());
    let _ = handler.spawn(move || {
        if let Some(signal) = signals.forever().next() {
            gradsieve_io::files::remove_partial_files();
            // The shell sees which signal it was.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            std::process::exit(128 + signal);
        }
    });
}

/// Whether whoever started the program had it ignore the signal, as `nohup` does. Known
/// on Linux only.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(not(unix))]
pub(super) fn tidy_up_when_told_to_end() {}
