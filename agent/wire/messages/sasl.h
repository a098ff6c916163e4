// SaslHandshake, SaslAuthenticate: log in before anything but ApiVersions.
#pragma once

#include "agent/wire/api.h"
#include "agent/wire/codec.h"

namespace medic::wire {

struct SaslHandshakeResponse {
    static constexpr ApiKey api = ApiKey::sasl_handshake;
    KafkaError error = KafkaError::none;
    std::vector<std::string> mechanisms;  // What the broker offers.
    void fields(Codec& c);
    bool operator==(const SaslHandshakeResponse&) const = default;
};

struct SaslHandshakeRequest {
    static constexpr ApiKey api = ApiKey::sasl_handshake;
    using Response = SaslHandshakeResponse;
    std::string mechanism;  // "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"
    void fields(Codec& c);
    bool operator==(const SaslHandshakeRequest&) const = default;
};

struct SaslAuthenticateResponse {
    static constexpr ApiKey api = ApiKey::sasl_authenticate;
    KafkaError error = KafkaError::none;
    std::optional<std::string> error_message;
    Bytes auth_bytes;
    std::int64_t session_lifetime_ms = 0;
    void fields(Codec& c);
    bool operator==(const SaslAuthenticateResponse&) const = default;
};

struct SaslAuthenticateRequest {
    static constexpr ApiKey api = ApiKey::sasl_authenticate;
    using Response = SaslAuthenticateResponse;
    Bytes auth_bytes;
    void fields(Codec& c);
    bool operator==(const SaslAuthenticateRequest&) const = default;
};

}  // namespace medic::wire
