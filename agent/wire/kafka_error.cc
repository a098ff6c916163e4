#include "agent/wire/kafka_error.h"

#include <algorithm>
#include <iterator>

namespace medic::wire {
namespace {

struct Row {
    KafkaError error;
    std::string_view name;
    bool retriable;
    ErrorCode code;
};

constexpr bool kFinal = false;  // The same request will fail again.
constexpr bool kRetry = true;

// Ascending by number. Retriable as in Kafka's protocol guide ("Error Codes"); our code says what a healer does:
// `outdated` refreshes metadata or group state, `outcome_unknown` looks before it acts again.
constexpr Row kRows[] = {
    {KafkaError::unknown_server_error, "UNKNOWN_SERVER_ERROR", kFinal, ErrorCode::unavailable},
    {KafkaError::none, "NONE", kFinal, ErrorCode::internal},
    {KafkaError::offset_out_of_range, "OFFSET_OUT_OF_RANGE", kFinal, ErrorCode::outdated},
    {KafkaError::corrupt_message, "CORRUPT_MESSAGE", kRetry, ErrorCode::unavailable},
    {KafkaError::unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION", kRetry, ErrorCode::outdated},
    {KafkaError::invalid_fetch_size, "INVALID_FETCH_SIZE", kFinal, ErrorCode::invalid},
    {KafkaError::leader_not_available, "LEADER_NOT_AVAILABLE", kRetry, ErrorCode::unavailable},
    {KafkaError::not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER", kRetry, ErrorCode::outdated},
    {KafkaError::request_timed_out, "REQUEST_TIMED_OUT", kRetry, ErrorCode::outcome_unknown},
    {KafkaError::broker_not_available, "BROKER_NOT_AVAILABLE", kFinal, ErrorCode::unavailable},
    {KafkaError::replica_not_available, "REPLICA_NOT_AVAILABLE", kRetry, ErrorCode::unavailable},
    {KafkaError::message_too_large, "MESSAGE_TOO_LARGE", kFinal, ErrorCode::invalid},
    {KafkaError::stale_controller_epoch, "STALE_CONTROLLER_EPOCH", kFinal, ErrorCode::outdated},
    {KafkaError::offset_metadata_too_large, "OFFSET_METADATA_TOO_LARGE", kFinal, ErrorCode::invalid},
    {KafkaError::network_exception, "NETWORK_EXCEPTION", kRetry, ErrorCode::outcome_unknown},
    {KafkaError::coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS", kRetry, ErrorCode::unavailable},
    {KafkaError::coordinator_not_available, "COORDINATOR_NOT_AVAILABLE", kRetry, ErrorCode::unavailable},
    {KafkaError::not_coordinator, "NOT_COORDINATOR", kRetry, ErrorCode::outdated},
    {KafkaError::invalid_topic_exception, "INVALID_TOPIC_EXCEPTION", kFinal, ErrorCode::invalid},
    {KafkaError::record_list_too_large, "RECORD_LIST_TOO_LARGE", kFinal, ErrorCode::invalid},
    {KafkaError::not_enough_replicas, "NOT_ENOUGH_REPLICAS", kRetry, ErrorCode::unavailable},
    {KafkaError::not_enough_replicas_after_append, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", kRetry,
     ErrorCode::outcome_unknown},
    {KafkaError::invalid_required_acks, "INVALID_REQUIRED_ACKS", kFinal, ErrorCode::invalid},
    {KafkaError::illegal_generation, "ILLEGAL_GENERATION", kFinal, ErrorCode::outdated},
    {KafkaError::inconsistent_group_protocol, "INCONSISTENT_GROUP_PROTOCOL", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_group_id, "INVALID_GROUP_ID", kFinal, ErrorCode::invalid},
    {KafkaError::unknown_member_id, "UNKNOWN_MEMBER_ID", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_session_timeout, "INVALID_SESSION_TIMEOUT", kFinal, ErrorCode::invalid},
    {KafkaError::rebalance_in_progress, "REBALANCE_IN_PROGRESS", kFinal, ErrorCode::not_ready},
    {KafkaError::invalid_commit_offset_size, "INVALID_COMMIT_OFFSET_SIZE", kFinal, ErrorCode::invalid},
    {KafkaError::topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED", kFinal, ErrorCode::invalid},
    {KafkaError::group_authorization_failed, "GROUP_AUTHORIZATION_FAILED", kFinal, ErrorCode::invalid},
    {KafkaError::cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_timestamp, "INVALID_TIMESTAMP", kFinal, ErrorCode::invalid},
    {KafkaError::unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM", kFinal, ErrorCode::invalid},
    {KafkaError::illegal_sasl_state, "ILLEGAL_SASL_STATE", kFinal, ErrorCode::invalid},
    {KafkaError::unsupported_version, "UNSUPPORTED_VERSION", kFinal, ErrorCode::invalid},
    {KafkaError::topic_already_exists, "TOPIC_ALREADY_EXISTS", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_partitions, "INVALID_PARTITIONS", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_replication_factor, "INVALID_REPLICATION_FACTOR", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_replica_assignment, "INVALID_REPLICA_ASSIGNMENT", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_config, "INVALID_CONFIG", kFinal, ErrorCode::invalid},
    {KafkaError::not_controller, "NOT_CONTROLLER", kRetry, ErrorCode::outdated},
    {KafkaError::invalid_request, "INVALID_REQUEST", kFinal, ErrorCode::invalid},
    {KafkaError::unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT", kFinal, ErrorCode::invalid},
    {KafkaError::policy_violation, "POLICY_VIOLATION", kFinal, ErrorCode::invalid},
    {KafkaError::out_of_order_sequence_number, "OUT_OF_ORDER_SEQUENCE_NUMBER", kFinal, ErrorCode::outdated},
    {KafkaError::duplicate_sequence_number, "DUPLICATE_SEQUENCE_NUMBER", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_producer_epoch, "INVALID_PRODUCER_EPOCH", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_txn_state, "INVALID_TXN_STATE", kFinal, ErrorCode::not_ready},
    {KafkaError::invalid_producer_id_mapping, "INVALID_PRODUCER_ID_MAPPING", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_transaction_timeout, "INVALID_TRANSACTION_TIMEOUT", kFinal, ErrorCode::invalid},
    {KafkaError::concurrent_transactions, "CONCURRENT_TRANSACTIONS", kRetry, ErrorCode::not_ready},
    {KafkaError::transaction_coordinator_fenced, "TRANSACTION_COORDINATOR_FENCED", kFinal, ErrorCode::outdated},
    {KafkaError::transactional_id_authorization_failed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", kFinal,
     ErrorCode::invalid},
    {KafkaError::security_disabled, "SECURITY_DISABLED", kFinal, ErrorCode::invalid},
    {KafkaError::operation_not_attempted, "OPERATION_NOT_ATTEMPTED", kFinal, ErrorCode::not_ready},
    {KafkaError::kafka_storage_error, "KAFKA_STORAGE_ERROR", kRetry, ErrorCode::unavailable},
    {KafkaError::log_dir_not_found, "LOG_DIR_NOT_FOUND", kFinal, ErrorCode::invalid},
    {KafkaError::sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED", kFinal, ErrorCode::invalid},
    {KafkaError::unknown_producer_id, "UNKNOWN_PRODUCER_ID", kFinal, ErrorCode::outdated},
    {KafkaError::reassignment_in_progress, "REASSIGNMENT_IN_PROGRESS", kFinal, ErrorCode::not_ready},
    {KafkaError::delegation_token_auth_disabled, "DELEGATION_TOKEN_AUTH_DISABLED", kFinal, ErrorCode::invalid},
    {KafkaError::delegation_token_not_found, "DELEGATION_TOKEN_NOT_FOUND", kFinal, ErrorCode::invalid},
    {KafkaError::delegation_token_owner_mismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", kFinal, ErrorCode::invalid},
    {KafkaError::delegation_token_request_not_allowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", kFinal,
     ErrorCode::invalid},
    {KafkaError::delegation_token_authorization_failed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", kFinal,
     ErrorCode::invalid},
    {KafkaError::delegation_token_expired, "DELEGATION_TOKEN_EXPIRED", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_principal_type, "INVALID_PRINCIPAL_TYPE", kFinal, ErrorCode::invalid},
    {KafkaError::non_empty_group, "NON_EMPTY_GROUP", kFinal, ErrorCode::not_ready},
    {KafkaError::group_id_not_found, "GROUP_ID_NOT_FOUND", kFinal, ErrorCode::outdated},
    {KafkaError::fetch_session_id_not_found, "FETCH_SESSION_ID_NOT_FOUND", kRetry, ErrorCode::outdated},
    {KafkaError::invalid_fetch_session_epoch, "INVALID_FETCH_SESSION_EPOCH", kRetry, ErrorCode::outdated},
    {KafkaError::listener_not_found, "LISTENER_NOT_FOUND", kRetry, ErrorCode::unavailable},
    {KafkaError::topic_deletion_disabled, "TOPIC_DELETION_DISABLED", kFinal, ErrorCode::invalid},
    {KafkaError::fenced_leader_epoch, "FENCED_LEADER_EPOCH", kRetry, ErrorCode::outdated},
    {KafkaError::unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH", kRetry, ErrorCode::unavailable},
    {KafkaError::unsupported_compression_type, "UNSUPPORTED_COMPRESSION_TYPE", kFinal, ErrorCode::invalid},
    {KafkaError::stale_broker_epoch, "STALE_BROKER_EPOCH", kFinal, ErrorCode::outdated},
    {KafkaError::offset_not_available, "OFFSET_NOT_AVAILABLE", kRetry, ErrorCode::unavailable},
    {KafkaError::member_id_required, "MEMBER_ID_REQUIRED", kFinal, ErrorCode::outdated},
    {KafkaError::preferred_leader_not_available, "PREFERRED_LEADER_NOT_AVAILABLE", kRetry, ErrorCode::unavailable},
    {KafkaError::group_max_size_reached, "GROUP_MAX_SIZE_REACHED", kFinal, ErrorCode::invalid},
    {KafkaError::fenced_instance_id, "FENCED_INSTANCE_ID", kFinal, ErrorCode::outdated},
    {KafkaError::eligible_leaders_not_available, "ELIGIBLE_LEADERS_NOT_AVAILABLE", kRetry, ErrorCode::unavailable},
    {KafkaError::election_not_needed, "ELECTION_NOT_NEEDED", kRetry, ErrorCode::outdated},
    {KafkaError::no_reassignment_in_progress, "NO_REASSIGNMENT_IN_PROGRESS", kFinal, ErrorCode::outdated},
    {KafkaError::group_subscribed_to_topic, "GROUP_SUBSCRIBED_TO_TOPIC", kFinal, ErrorCode::not_ready},
    {KafkaError::invalid_record, "INVALID_RECORD", kFinal, ErrorCode::invalid},
    {KafkaError::unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT", kRetry, ErrorCode::unavailable},
    {KafkaError::throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED", kRetry, ErrorCode::unavailable},
    {KafkaError::producer_fenced, "PRODUCER_FENCED", kFinal, ErrorCode::outdated},
    {KafkaError::resource_not_found, "RESOURCE_NOT_FOUND", kFinal, ErrorCode::invalid},
    {KafkaError::duplicate_resource, "DUPLICATE_RESOURCE", kFinal, ErrorCode::invalid},
    {KafkaError::unacceptable_credential, "UNACCEPTABLE_CREDENTIAL", kFinal, ErrorCode::invalid},
    {KafkaError::inconsistent_voter_set, "INCONSISTENT_VOTER_SET", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_update_version, "INVALID_UPDATE_VERSION", kFinal, ErrorCode::invalid},
    {KafkaError::feature_update_failed, "FEATURE_UPDATE_FAILED", kFinal, ErrorCode::not_ready},
    {KafkaError::principal_deserialization_failure, "PRINCIPAL_DESERIALIZATION_FAILURE", kFinal, ErrorCode::invalid},
    {KafkaError::snapshot_not_found, "SNAPSHOT_NOT_FOUND", kFinal, ErrorCode::outdated},
    {KafkaError::position_out_of_range, "POSITION_OUT_OF_RANGE", kFinal, ErrorCode::invalid},
    {KafkaError::unknown_topic_id, "UNKNOWN_TOPIC_ID", kRetry, ErrorCode::outdated},
    {KafkaError::duplicate_broker_registration, "DUPLICATE_BROKER_REGISTRATION", kFinal, ErrorCode::not_ready},
    {KafkaError::broker_id_not_registered, "BROKER_ID_NOT_REGISTERED", kFinal, ErrorCode::not_ready},
    {KafkaError::inconsistent_topic_id, "INCONSISTENT_TOPIC_ID", kRetry, ErrorCode::outdated},
    {KafkaError::inconsistent_cluster_id, "INCONSISTENT_CLUSTER_ID", kFinal, ErrorCode::invalid},
    {KafkaError::transactional_id_not_found, "TRANSACTIONAL_ID_NOT_FOUND", kFinal, ErrorCode::outdated},
    {KafkaError::fetch_session_topic_id_error, "FETCH_SESSION_TOPIC_ID_ERROR", kRetry, ErrorCode::outdated},
    {KafkaError::ineligible_replica, "INELIGIBLE_REPLICA", kFinal, ErrorCode::not_ready},
    {KafkaError::new_leader_elected, "NEW_LEADER_ELECTED", kFinal, ErrorCode::outdated},
    {KafkaError::offset_moved_to_tiered_storage, "OFFSET_MOVED_TO_TIERED_STORAGE", kFinal, ErrorCode::outdated},
    {KafkaError::fenced_member_epoch, "FENCED_MEMBER_EPOCH", kFinal, ErrorCode::outdated},
    {KafkaError::unreleased_instance_id, "UNRELEASED_INSTANCE_ID", kFinal, ErrorCode::not_ready},
    {KafkaError::unsupported_assignor, "UNSUPPORTED_ASSIGNOR", kFinal, ErrorCode::invalid},
    {KafkaError::stale_member_epoch, "STALE_MEMBER_EPOCH", kFinal, ErrorCode::outdated},
    {KafkaError::mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE", kFinal, ErrorCode::invalid},
    {KafkaError::unsupported_endpoint_type, "UNSUPPORTED_ENDPOINT_TYPE", kFinal, ErrorCode::invalid},
    {KafkaError::unknown_controller_id, "UNKNOWN_CONTROLLER_ID", kFinal, ErrorCode::invalid},
    {KafkaError::unknown_subscription_id, "UNKNOWN_SUBSCRIPTION_ID", kFinal, ErrorCode::invalid},
    {KafkaError::telemetry_too_large, "TELEMETRY_TOO_LARGE", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_registration, "INVALID_REGISTRATION", kFinal, ErrorCode::invalid},
    {KafkaError::transaction_abortable, "TRANSACTION_ABORTABLE", kFinal, ErrorCode::not_ready},
    {KafkaError::invalid_record_state, "INVALID_RECORD_STATE", kFinal, ErrorCode::outdated},
    {KafkaError::share_session_not_found, "SHARE_SESSION_NOT_FOUND", kRetry, ErrorCode::outdated},
    {KafkaError::invalid_share_session_epoch, "INVALID_SHARE_SESSION_EPOCH", kRetry, ErrorCode::outdated},
    {KafkaError::fenced_state_epoch, "FENCED_STATE_EPOCH", kFinal, ErrorCode::outdated},
    {KafkaError::invalid_voter_key, "INVALID_VOTER_KEY", kFinal, ErrorCode::invalid},
    {KafkaError::duplicate_voter, "DUPLICATE_VOTER", kFinal, ErrorCode::invalid},
    {KafkaError::voter_not_found, "VOTER_NOT_FOUND", kFinal, ErrorCode::invalid},
    {KafkaError::invalid_regular_expression, "INVALID_REGULAR_EXPRESSION", kFinal, ErrorCode::invalid},
    {KafkaError::rebootstrap_required, "REBOOTSTRAP_REQUIRED", kFinal, ErrorCode::outdated},
};

const Row* find(KafkaError error) {
    const auto* const row = std::ranges::lower_bound(kRows, error, {}, &Row::error);
    return row != std::end(kRows) && row->error == error ? row : nullptr;
}

}  // namespace

std::string to_string(KafkaError error) {
    const Row* const row = find(error);
    return row ? std::string(row->name) : fmt::format("ERROR_{}", static_cast<int>(error));
}

bool is_retriable(KafkaError error) {
    const Row* const row = find(error);
    return row && row->retriable;
}

ErrorCode error_code(KafkaError error) {
    const Row* const row = find(error);
    return row ? row->code : ErrorCode::unavailable;
}

Status check(KafkaError error, std::string_view what, std::string_view detail) {
    if (error == KafkaError::none) return {};
    return fail(error_code(error), "{}: {} ({}){}{}", what, to_string(error), static_cast<int>(error),
                detail.empty() ? "" : ": ", detail);
}

}  // namespace medic::wire
