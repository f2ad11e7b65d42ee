// What the checkout promises, and how it is tried: its behavior, and the scenarios in which it must hold.
domain Checkout {
  version: "1.0.0"

  entity CheckoutSession {
    id: UUID
    idempotency_key: String
    customer: String
    total_cents: Int
  }

  behavior CreateCheckoutSession {
    input {
      idempotency_key: String
      customer: String
      items: List<CartItem>
    }

    output {
      success: CheckoutSession
      errors {
        IDEMPOTENCY_CONFLICT { when: "the key was used with other parameters" }
        RATE_LIMITED { when: "too many requests of one client" }
        SERVICE_UNAVAILABLE { when: "the database can't be asked" }
        PAYMENT_UNAVAILABLE { when: "the payment gateway did not charge" }
        TIMEOUT { when: "the time for the request is over" }
      }
    }

    chaos {
      scenario "concurrent duplicate requests" {
        inject: concurrent_requests(count: 10)
        with: idempotency_key("chaos-concurrent-test")
        expect: exactly_one_created
        expect: all_return_same_session
        retries: 3
      }

      scenario "idempotency conflict" {
        with: idempotency_key("conflict-test")
        expect: IDEMPOTENCY_CONFLICT when parameters differ
      }

      scenario "rate limit storm" {
        inject: rate_limit_storm(requests: 100, window: 1s, limit: 10)
        expect: graceful_degradation
        expect: no_data_corruption
      }

      scenario "latency spike" {
        inject: latency(p99: 500ms, distribution: "normal")
        expect: response_within(timeout: 5s)
        expect: no_timeout_errors
      }

      scenario "retry after network failure" {
        inject: network_failure(probability: 0.8, recovers_after: 2s)
        with: idempotency_key("chaos-retry-test")
        expect: eventually_succeeds
        expect: no_duplicate_sessions
        retries: 3
      }

      scenario "database failure with recovery" {
        inject: database_failure(target: CheckoutRepository, mode: UNAVAILABLE)
        expect: error_returned(SERVICE_UNAVAILABLE)
        expect: successful_retry_after_recovery
        retries: 3
      }

      scenario "partial failure" {
        inject: database_failure(probability: 0.3, mode: TIMEOUT)
        expect: eventual_consistency
        expect: no_duplicate_charges
        retries: 5
      }
    }
  }
}
