#include "agent/wire/messages/api_versions.h"

namespace medic::wire {

void ApiVersionsRequest::fields(Codec& c) {
    c(client_software_name, since(3));
    c(client_software_version, since(3));
}

void ApiVersionsResponse::Api::fields(Codec& c) {
    c(api_key);
    c(version_min);
    c(version_max);
}

void ApiVersionsResponse::SupportedFeature::fields(Codec& c) {
    c(name);
    c(version_min);
    c(version_max);
}

void ApiVersionsResponse::FinalizedFeature::fields(Codec& c) {
    c(name);
    c(version_level_max);
    c(version_level_min);
}

void ApiVersionsResponse::fields(Codec& c) {
    c(error);
    c(apis);
    c(throttle_time_ms, since(1));
    c.tagged(0, supported_features, since(3));
    c.tagged(1, finalized_features_epoch, since(3));
    c.tagged(2, finalized_features, since(3));
    c.tagged(3, zk_migration_ready, since(3));
}

}  // namespace medic::wire
