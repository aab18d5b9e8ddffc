//! One request on a connection: how long it has been under way, and what it holds in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

/// What all clients together may have sent that is not yet answered, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    used: Arc<AtomicUsize>,
    most: usize,
}

/// The requests of one connection, counted by the half of the clock's turns in which they began.
#[derive(Debug, Default)]
pub(super) struct Activity {
    turn: AtomicUsize,
    begun_in: [AtomicUsize; 2],
    /// Those that last for as long as the client wants.
    lasting: AtomicUsize,
    requests: AtomicUsize,
}

/// A request that is under way until its answer was taken, or nobody waits for that any longer.
#[derive(Debug)]
pub(super) struct UnderWay {
    activity: Arc<Activity>,
    /// The half of the turns in which it began; none where it may last.
    turn: Option<usize>,
    budget: Budget,
    held: AtomicUsize,
}

/// A request's body, whose bytes count until the request has ended.
#[derive(Debug)]
pub(super) struct Counted<B> {
    body: B,
    request: Arc<UnderWay>,
}

/// An answer's body, with which the request ends.
#[derive(Debug)]
pub(super) struct Ending<B> {
    body: B,
    _request: Arc<UnderWay>,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self { used: Arc::default(), most }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.most;
        if !fits {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }
}

impl Activity {
    /// A request that came. One that `may_last` never takes too long.
    pub(super) fn begin(self: &Arc<Self>, budget: &Budget, may_last: bool) -> Arc<UnderWay> {
        let turn = (!may_last).then(|| self.turn.load(Ordering::Relaxed) % 2);
        self.under_way(turn).fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Arc::new(UnderWay {
            activity: Arc::clone(self),
            turn,
            budget: budget.clone(),
            held: AtomicUsize::new(0),
        })
    }

    /// How many requests there have been.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.begun_in.iter().chain([&self.lasting]).all(|count| count.load(Ordering::Relaxed) == 0)
    }

    /// Begins the next turn of the clock, and says whether a request is under way that began before the last one.
    pub(super) fn turn(&self) -> bool {
        let next = self.turn.load(Ordering::Relaxed).wrapping_add(1);
        let is_stalled = self.under_way(Some(next % 2)).load(Ordering::Relaxed) > 0;
        self.turn.store(next, Ordering::Relaxed);
        is_stalled
    }

    fn under_way(&self, turn: Option<usize>) -> &AtomicUsize {
        let [even, odd] = &self.begun_in;
        match turn {
            None => &self.lasting,
            Some(0) => even,
            Some(_) => odd,
        }
    }
}

impl UnderWay {
    pub(super) fn body<B>(self: &Arc<Self>, body: B) -> Counted<B> {
        Counted { body, request: Arc::clone(self) }
    }

    pub(super) fn ending<B>(self: Arc<Self>, body: B) -> Ending<B> {
        Ending { body, _request: self }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.activity.under_way(self.turn).fetch_sub(1, Ordering::Relaxed);
        self.budget.used.fetch_sub(*self.held.get_mut(), Ordering::Relaxed);
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        polled.map(|frame| {
            Some(frame?.map_err(|error| Status::from_error(error.into())).and_then(|frame| {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if !self.request.budget.take(bytes) {
                    return Err(Status::resource_exhausted("too much is under way"));
                }
                self.request.held.fetch_add(bytes, Ordering::Relaxed);
                Ok(frame)
            }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body + Unpin> Body for Ending<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Activity, Budget};

    #[test]
    fn a_request_stalls_when_it_outlives_a_whole_turn_of_the_clock() {
        let (activity, budget) = (Arc::new(Activity::default()), Budget::new(10));
        let first = activity.begin(&budget, false);
        assert!(!activity.turn(), "it began in this turn");
        let second = activity.begin(&budget, false);
        assert!(activity.turn(), "the first one is from before the last turn");
        drop(first);
        assert!(activity.turn(), "now the second one is");
        drop(second);
        assert!(!activity.turn() && !activity.turn() && activity.is_quiet());
        let lasting = activity.begin(&budget, true);
        assert!(!activity.turn() && !activity.turn() && !activity.is_quiet(), "it may");
        drop(lasting);
        assert!(activity.is_quiet() && activity.requests() == 3);
    }

    #[test]
    fn what_is_held_is_bounded_and_given_back() {
        let (activity, budget) = (Arc::new(Activity::default()), Budget::new(10));
        let request = activity.begin(&budget, false);
        assert!(budget.take(8));
        request.held.fetch_add(8, std::sync::atomic::Ordering::Relaxed);
        assert!(!budget.take(3) && budget.used() == 8);
        drop(request);
        assert_eq!(budget.used(), 0);
    }
}
