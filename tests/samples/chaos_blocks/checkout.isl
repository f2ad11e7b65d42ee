# A shop's specification: all seven scenarios of its checkout, among much else. chaos { is no block here
domain Shop {
  version: "1.0.0"
  imports: "chaos { scenario 'in a string' { } }"

  /* chaos CreateCheckoutSession {
       scenario "in a comment" { inject: nothing } } */
  type Money = Decimal { min: 0, precision: 2 }   // don't read { or chaos {
  enum Weather { chaos, calm }

  entity CheckoutSession {
    id: UUID [immutable, unique]
    chaos: Boolean
    key: String? [unique]
    invariants {
      amount_total >= 0
      status == COMPLETE implies completed_at != null
      - a customer's card isn't charged twice } // an apostrophe is no string
    lifecycle { OPEN -> COMPLETE  OPEN -> EXPIRED }
  }

  behavior CreateCheckoutSession {
    description: "Creates a session; says '{' and \"}\" in passing"
    actors { Merchant { must: authenticated } }
    output {
      success: { session: CheckoutSession  url: String }
      errors { SERVICE_UNAVAILABLE { when: "the database is away" retriable: true } IDEMPOTENCY_CONFLICT }
    }
    pre { all(item in input.line_items: item.quantity > 0) }
    post success { - result.session.status == OPEN }

    chaos {
      scenario "concurrent duplicate requests" {
        inject: concurrent_requests(count: 10)
        with: idempotency_key("chaos-concurrent-test")
        expect: exactly_one_created
        expect: all_return_same_session
        retries: 3
      }

      scenario "retry after network failure" {
        inject: network_failure(probability: 0.8, recovers_after: 2s)
        with: idempotency_key("chaos-retry-test")
        retries: 3
        expect: eventually_succeeds
        expect: no_duplicate_sessions
      }

      scenario "rate limit storm" {
        inject: rate_limit_storm(requests: 100, window: 1s, limit: 10)
        expect: graceful_degradation
        expect: no_data_corruption
      }

      scenario "database failure with recovery" {
        inject: database_failure(target: "CheckoutRepository", mode: UNAVAILABLE)
        expect: error_returned(SERVICE_UNAVAILABLE)
        retries: 3
        expect: successful_retry_after_recovery
      }

      scenario "latency spike" {
        inject: latency(p99: 500ms, distribution: "normal")
        expect: response_within(timeout: 5s)
        expect: no_timeout_errors
      }

      scenario "partial failure" {
        inject: database_failure(probability: 0.3, mode: TIMEOUT)
        with: idempotency_key("chaos-partial-test")
        retries: 5
        expect: eventual_consistency
        expect: no_duplicate_charges
      }

      scenario "idempotency conflict" {
        with: idempotency_key("conflict-test")
        expect: IDEMPOTENCY_CONFLICT when parameters differ
      }
    }
  }

  // named after a behavior, at domain level, with blocks
  chaos CreateCheckoutSession {
    scenario "db down" {
      inject { database_failure(target: CheckoutRepository, mode: UNAVAILABLE) }
      when   { result = CreateCheckoutSession(input) }
      then   { result is error }
    }
    // inline form
    scenario "slow payments" {
      inject latency on PaymentGateway with { delay: 2s jitter: 100ms }
      expect { result.latency < 10s "stays responsive" }
      with   { retries: 3 timeout: 30s }
    }
  }
}
