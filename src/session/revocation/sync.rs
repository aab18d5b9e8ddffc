//! Keeping the list in step with Redis: a message for each new entry, and the whole list from time to time.

use std::sync::Weak;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use redis::{Msg, cmd, pipe};
use tokio::time::{Instant, sleep_until, timeout};

use super::list::List;
use super::{Entry, RevocationOptions, Revocations};
use crate::session::Outage;

/// The most entries that are held; with more the list counts as unknown, for an entry left out would let somebody in.
const MAX_ENTRIES: usize = 1_000_000;
/// Entries that are read at a time.
const PAGE: usize = 10_000;
/// The pause before the next attempt while Redis is away.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a revocation was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// The caller's.
    #[error("it is empty, or longer than anything that is issued")]
    NotSound,
    /// The clock's.
    #[error("the clock stands before 1970")]
    Clock,
    #[error("Redis: {0}")]
    Redis(#[from] Outage),
}

/// Follows the messages and reads the whole list again and again, for as long as somebody holds the list.
pub(super) async fn keep_in_step(revocations: Weak<Revocations>) {
    let mut pause = PAUSE;
    while let Some(list) = revocations.upgrade() {
        let subscribed = list.options.redis.subscribe(&list.options.channel()).await;
        let poll = list.options.poll;
        match subscribed {
            Ok(messages) => {
                drop(list);
                pause = PAUSE;
                follow(&revocations, messages.into_on_message(), poll).await;
            }
            Err(outage) => {
                tracing::warn!(%outage, "the revocations cannot be followed");
                drop(list);
                tokio::time::sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }
}

/// Reads the list, then takes in what comes, and reads it again when it is time. Returns when the connection is lost or
/// the list cannot be read: a new subscription comes first, so that nothing falls between.
async fn follow(
    revocations: &Weak<Revocations>,
    mut messages: impl futures_util::Stream<Item = Msg> + Unpin,
    poll: Duration,
) {
    loop {
        let Some(list) = revocations.upgrade() else { return };
        if let Err(outage) = list.read().await {
            tracing::warn!(%outage, "the revocations cannot be read");
            return;
        }
        drop(list);
        let next_read = Instant::now() + poll;
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = sleep_until(next_read) => break,
            };
            let (Some(message), Some(list)) = (message, revocations.upgrade()) else { return };
            let entry = message.get_payload::<String>().ok().and_then(|member| Entry::of_member(&member));
            if let Some(entry) = entry {
                list.add(entry, SystemTime::now() + list.options.keep);
            } else {
                tracing::warn!("a message about revocations cannot be read");
            }
        }
    }
}

/// The whole list as Redis has it, what is over included: whether it is, is asked at each check, by a clock that may
/// have been wrong at this moment.
pub(super) async fn read(options: &RevocationOptions) -> Result<List, Outage> {
    let mut list = List::default();
    let mut count = 0;
    let mut unreadable = 0_usize;
    let mut offset = 0_usize;
    loop {
        let mut command = cmd("ZRANGEBYSCORE");
        command.arg(options.key()).arg("-inf").arg("+inf").arg("WITHSCORES");
        command.arg("LIMIT").arg(offset).arg(PAGE);
        let page = options.redis.query::<Vec<(Vec<u8>, f64)>>(&command);
        let page = timeout(Duration::from_secs(10), page).await.map_err(|_| Outage::Timeout)??;
        let is_last = page.len() < PAGE;
        offset += page.len();
        count += page.len();
        if count > MAX_ENTRIES {
            tracing::error!(limit = MAX_ENTRIES, "there are more revocations than can be held");
            return Err(Outage::Overloaded);
        }
        for (member, score) in page {
            let entry = std::str::from_utf8(&member).ok().and_then(Entry::of_member);
            let until =
                Duration::try_from_secs_f64(score / 1000.0).ok().and_then(|at| UNIX_EPOCH.checked_add(at));
            if let (Some(entry), Some(until)) = (entry, until) {
                list.add(entry, until);
            } else {
                unreadable += 1;
            }
        }
        if is_last {
            break;
        }
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, "the list of revocations holds entries that cannot be read");
    }
    Ok(list)
}

/// Adds an entry, tells every replica, and drops what is no longer needed; all of it or nothing.
pub(super) async fn write(options: &RevocationOptions, entry: &Entry) -> Result<(), RevokeError> {
    if !entry.is_sound() {
        return Err(RevokeError::NotSound);
    }
    // By the clock that all replicas share: one that is wrong here must not drop what is needed, or keep it too briefly.
    let (seconds, _) = options.redis.query::<(u64, u64)>(&cmd("TIME")).await?;
    let now = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(RevokeError::Clock)?;
    let (member, until) = (entry.to_member(), milliseconds(now + options.keep));
    let mut commands = pipe();
    commands.atomic();
    commands.cmd("ZADD").arg(options.key()).arg("GT").arg(until).arg(&member).ignore();
    commands.cmd("ZREMRANGEBYSCORE").arg(options.key()).arg("-inf").arg(milliseconds(now)).ignore();
    options.redis.transact::<()>(&commands).await?;
    // In a Cluster a message goes to every node, whatever the channel's name; it cannot be part of the transaction. One
    // that is lost is found by the next read of the whole list.
    let mut publish = cmd("PUBLISH");
    publish.arg(options.channel()).arg(&member);
    Ok(options.redis.query::<()>(&publish).await?)
}

impl RevocationOptions {
    /// A sorted set; the score is the moment until which an entry is kept, in milliseconds since 1970.
    fn key(&self) -> String {
        format!("{}revocations", self.prefix)
    }

    fn channel(&self) -> String {
        self.key()
    }
}

fn milliseconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
