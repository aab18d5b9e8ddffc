//! What was found, for people.

use std::fmt::Write as _;

use crate::judge::{Finding, Tried};

/// So many findings are told in full.
const IN_FULL: usize = 40;
const LONGEST: usize = 700;

pub fn said(findings: &[&Finding]) -> String {
    let mut text = format!("{} requests came out otherwise than expected\n", findings.len());
    for Finding { case, is_control, asks, way, shape, wrong, came } in findings.iter().take(IN_FULL) {
        let kind = if *is_control { "control" } else { "attack" };
        let tlv = shape.tlv.as_ref().map(|tlv| format!(" TLV {tlv:?}")).unwrap_or_default();
        let headers = cut(&format!("{:?}", shape.headers));
        let _ = write!(
            text,
            "\n{case}: {kind}: {asks}\n  through  {way}\n  asked    {} {} host: {}{tlv} {headers}\n  expected {}\n  came     {}\n",
            shape.method,
            cut(&shape.path),
            shape.host,
            wrong.join("; "),
            cut(came),
        );
    }
    text
}

/// A line for each case: how many attacks were told apart from their honest neighbours.
pub fn table(tried: &[Tried]) -> String {
    let mut text = format!("\n{:<60} {:>8} {:>8}  verdict\n", "case", "attacks", "controls");
    let [mut held, mut asked] = [0, 0];
    for each in tried {
        let failed = |control| each.findings.iter().filter(|found| found.is_control == control).count();
        let verdict = match (each.is_asked(), failed(false), failed(true)) {
            (false, ..) => "not asked: needs another door or configuration".to_owned(),
            (true, 0, 0) => "holds".to_owned(),
            (true, 0, controls) => format!("tells nothing: {controls} honest requests refused or misled"),
            (true, attacks, 0) => format!("FAILS: {attacks} attacks succeed"),
            (true, attacks, controls) => {
                format!("FAILS: {attacks} attacks succeed, {controls} controls fail")
            }
        };
        asked += usize::from(each.is_asked());
        held += usize::from(verdict == "holds");
        let _ = writeln!(text, "{:<60} {:>8} {:>8}  {verdict}", each.case.name, each.attacks, each.controls);
    }
    let _ = writeln!(text, "\n{held} of {asked} cases hold; {} were not asked", tried.len() - asked);
    text
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
