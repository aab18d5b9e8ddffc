//! The requests of a connection, answered by the connection's own task. A check takes microseconds, less than to wake
//! another thread for it; and the answers that are ready together leave together.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use hyper::rt::Executor;

type Request = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a connection leaves its requests.
#[derive(Clone, Default)]
pub(super) struct Arrivals(Arc<Mutex<Vec<Request>>>);

/// The requests of a connection that are under way.
pub(super) struct Requests {
    arrivals: Arrivals,
    under_way: FuturesUnordered<Request>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Arrivals {
    fn execute(&self, request: F) {
        // A request that panics ends alone.
        let request = AssertUnwindSafe(request).catch_unwind().map(drop);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(request));
    }
}

impl Requests {
    pub(super) fn new(arrivals: Arrivals) -> Self {
        Self { arrivals, under_way: FuturesUnordered::new() }
    }

    /// Goes on with the connection and its requests, as far as both can go now. Ready when the connection has ended.
    pub(super) fn poll<C: Future>(
        &mut self,
        mut connection: Pin<&mut C>,
        context: &mut Context<'_>,
    ) -> Poll<C::Output> {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            self.under_way.extend(self.arrivals.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
            let mut has_answers = false;
            while let Poll::Ready(Some(())) = self.under_way.poll_next_unpin(context) {
                has_answers = true;
            }
            if !has_answers {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use hyper::rt::Executor as _;
    use tokio::sync::oneshot;

    use super::{Arrivals, Requests};

    #[test]
    fn a_request_that_panics_or_waits_holds_up_no_other() {
        let arrivals = Arrivals::default();
        let mut requests = Requests::new(arrivals.clone());
        let (told, mut hears) = oneshot::channel();
        arrivals.execute(async { panic!("a defect") });
        arrivals.execute(pending());
        arrivals.execute(async { told.send(()).expect("somebody hears") });
        let mut connection = pin!(pending::<()>());
        assert!(poll_fn(|context| requests.poll(connection.as_mut(), context)).now_or_never().is_none());
        assert!(hears.try_recv().is_ok(), "it was answered");
        assert_eq!(requests.under_way.len(), 1, "the one that waits");
    }

    #[test]
    fn requests_end_with_their_connection() {
        let arrivals = Arrivals::default();
        let mut requests = Requests::new(arrivals.clone());
        let mut connection = pin!(async { arrivals.execute(pending()) });
        assert!(poll_fn(|context| requests.poll(connection.as_mut(), context)).now_or_never().is_some());
    }
}
