// ApiVersions: which versions of which APIs the broker at the other end of this connection speaks.
#pragma once

#include <string_view>

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct ApiVersionsResponse {
    static constexpr ApiKey api = ApiKey::api_versions;
    struct Api {
        std::int16_t api_key = 0, version_min = 0, version_max = 0;
        void fields(Codec& c);
        bool operator==(const Api&) const = default;
    };
    struct SupportedFeature {
        std::string name;
        std::int16_t version_min = 0, version_max = 0;
        void fields(Codec& c);
        bool operator==(const SupportedFeature&) const = default;
    };
    struct FinalizedFeature {
        std::string name;
        std::int16_t version_level_max = 0, version_level_min = 0;
        void fields(Codec& c);
        bool operator==(const FinalizedFeature&) const = default;
    };

    KafkaError error = KafkaError::none;
    std::vector<Api> apis;
    std::int32_t throttle_time_ms = 0;
    std::vector<SupportedFeature> supported_features;
    std::optional<std::int64_t> finalized_features_epoch;
    std::vector<FinalizedFeature> finalized_features;
    std::optional<bool> zk_migration_ready;

    void fields(Codec& c);
    bool operator==(const ApiVersionsResponse&) const = default;
};

// Who asks. A broker refuses (INVALID_REQUEST) what is not of the form [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?, and
// then tells no versions (KIP-511).
inline constexpr std::string_view client_software = "streammedic", client_software_release = "0.1";

struct ApiVersionsRequest {
    static constexpr ApiKey api = ApiKey::api_versions;
    using Response = ApiVersionsResponse;
    std::string client_software_name, client_software_version;  // As above.

    void fields(Codec& c);
    bool operator==(const ApiVersionsRequest&) const = default;
};

}  // namespace medic::wire
