#include "agent/wire/messages/quotas.h"

namespace medic::wire {

void QuotaEntity::fields(Codec& c) {
    c(type);
    c(name);
}

void DescribeClientQuotasResponse::Entry::Value::fields(Codec& c) {
    c(key);
    c(value);
}

void DescribeClientQuotasResponse::Entry::fields(Codec& c) {
    c(entity);
    c(values);
}

void DescribeClientQuotasResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(error);
    c(error_message);
    c(entries);
}

void DescribeClientQuotasRequest::Component::fields(Codec& c) {
    c(entity_type);
    c(match_type);
    c(match);
}

void DescribeClientQuotasRequest::fields(Codec& c) {
    c(components);
    c(strict);
}

void AlterClientQuotasResponse::Entry::fields(Codec& c) {
    c(error);
    c(error_message);
    c(entity);
}

void AlterClientQuotasResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(entries);
}

void AlterClientQuotasRequest::Entry::Change::fields(Codec& c) {
    c(key);
    c(value);
    c(remove);
}

void AlterClientQuotasRequest::Entry::fields(Codec& c) {
    c(entity);
    c(changes);
}

void AlterClientQuotasRequest::fields(Codec& c) {
    c(entries);
    c(validate_only);
}

}  // namespace medic::wire
