//! The contract of `ports::Store`, one suite over every store. PostgreSQL takes part where
//! `SIGNALBOX_TEST_POSTGRES=postgres://...` names a server whose user may make roles and schemas.

#[path = "contract/fixtures.rs"]
mod fixtures;
#[path = "contract/ground.rs"]
mod ground;
#[path = "contract/indexes.rs"]
mod indexes;
#[path = "contract/log.rs"]
mod log;
#[path = "contract/on_memory.rs"]
mod on_memory;
#[path = "contract/on_postgres.rs"]
mod on_postgres;
#[path = "contract/on_sqlite.rs"]
mod on_sqlite;
#[path = "contract/proxy.rs"]
mod proxy;
#[path = "contract/recovery.rs"]
mod recovery;
#[path = "contract/views.rs"]
mod views;

macro_rules! contract {
    ($($part:ident :: $check:ident;)*) => {
        contract!(@on memory, 64, $($part::$check;)*);
        contract!(@on sqlite, 24, $($part::$check;)*);
        contract!(@on postgres, 12, $($part::$check;)*);
    };
    (@on $store:ident, $cases:literal, $($part:ident :: $check:ident;)*) => {
        mod $store {
            use crate::ground::Ground;

            $(#[test]
            fn $check() {
                if let Some(ground) = Ground::$store() {
                    crate::$part::$check(&ground);
                }
            })*

            #[test]
            fn the_indexes_are_the_fold_of_the_log_whatever_happens() {
                crate::recovery::the_indexes_are_the_fold_of_the_log_whatever_happens(Ground::$store, $cases);
            }

            #[test]
            fn any_question_is_answered_as_a_plain_loop_would() {
                crate::views::any_question_is_answered_as_a_plain_loop_would(Ground::$store, $cases * 2);
            }
        }
    };
}

contract! {
    log::seqs_are_dense_and_batches_keep_their_order;
    log::what_was_acknowledged_is_there_after_a_crash;
    log::a_batch_is_appended_whole_or_not_at_all;
    log::an_earlier_owner_is_fenced_from_every_write;
    log::any_text_and_five_megabytes_come_back_as_they_were;
    log::keys_of_any_length_are_found_and_stay_apart;
    indexes::a_checkpoint_moves_indexes_and_position_together;
    indexes::the_last_value_of_a_key_wins;
    indexes::timers_come_due_earliest_first_to_the_nanosecond;
    indexes::the_outbox_pages_in_log_order_while_it_settles;
    indexes::no_reading_method_crosses_tenants;
    indexes::a_person_is_erased_in_one_tenant_only;
    indexes::the_last_blob_of_a_name_counts;
    indexes::a_changed_view_empties_the_indexes_and_the_log_fills_them_again;
    views::a_question_about_an_unknown_column_is_refused;
}
