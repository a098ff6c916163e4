#include "agent/wire/messages/quotas.h"

namespace medic::wire {

void DescribeClientQuotasResponse::Entry::Entity::fields(Codec& c) {
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

}  // namespace medic::wire
