#include "agent/wire/messages/configs.h"

namespace medic::wire {

void DescribeConfigsResponse::Resource::Config::Synonym::fields(Codec& c) {
    c(name);
    c(value);
    c(source);
}

void DescribeConfigsResponse::Resource::Config::fields(Codec& c) {
    c(name);
    c(value);
    c(read_only);
    c(source);
    c(is_sensitive);
    c(synonyms);
    c(type, since(3));
    c(documentation, since(3));
}

void DescribeConfigsResponse::Resource::fields(Codec& c) {
    c(error);
    c(error_message);
    c(type);
    c(name);
    c(configs);
}

void DescribeConfigsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(resources);
}

void DescribeConfigsRequest::Resource::fields(Codec& c) {
    c(type);
    c(name);
    c(keys);
}

void DescribeConfigsRequest::fields(Codec& c) {
    c(resources);
    c(include_synonyms);
    c(include_documentation, since(3).or_only(false));
}

void IncrementalAlterConfigsResponse::Resource::fields(Codec& c) {
    c(error);
    c(error_message);
    c(type);
    c(name);
}

void IncrementalAlterConfigsResponse::fields(Codec& c) {
    c(throttle_time_ms);
    c(resources);
}

void IncrementalAlterConfigsRequest::Resource::Config::fields(Codec& c) {
    c(name);
    c(operation);
    c(value);
}

void IncrementalAlterConfigsRequest::Resource::fields(Codec& c) {
    c(type);
    c(name);
    c(configs);
}

void IncrementalAlterConfigsRequest::fields(Codec& c) {
    c(resources);
    c(validate_only);
}

}  // namespace medic::wire
