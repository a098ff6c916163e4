// KafkaConnection's first words with a broker: which versions it speaks, and the login.
#include <algorithm>

#include "agent/wire/messages/api_versions.h"
#include "agent/wire/messages/sasl.h"
#include "agent/world/real/kafka_connection.h"
#include "agent/world/real/sasl_login.h"

namespace medic {

using namespace wire;

namespace {

constexpr int kLoginRoundsMax = 4;  // SCRAM takes two, PLAIN one.
constexpr Duration kPasswordTimeout{5'000};

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out.empty() ? "none" : out;
}

}  // namespace

template <class Request>
Result<typename Request::Response> KafkaConnection::ask(const Request& request, std::int16_t version,
                                                        KafkaDeadline deadline) {
    const std::int32_t id = next_correlation_id();
    MEDIC_TRY(const Bytes frame,
              encode_request({.api = {}, .version = version, .correlation_id = id, .client_id = options_->client_id},
                             request));
    bool sent = false;
    MEDIC_TRY(const Bytes answer, exchange(frame, deadline, sent));
    MEDIC_TRY(const BytesView body, decode_response_header(answer, Request::api, version, id));
    if constexpr (std::is_same_v<Request, ApiVersionsRequest>) {
        // A broker that doesn't know our version says so in the form of version 0 (KIP-511).
        Reader reader(body);
        if (static_cast<KafkaError>(reader.int16()) == KafkaError::unsupported_version)
            return ApiVersionsResponse{.error = KafkaError::unsupported_version};
    }
    return decode<typename Request::Response>(body, version);
}

Status KafkaConnection::negotiate(KafkaDeadline deadline) {
    // v3 names our software in the broker's metrics.
    for (const std::int16_t version : {std::int16_t{3}, std::int16_t{0}}) {
        MEDIC_TRY(const auto response, ask(ApiVersionsRequest{std::string(wire::client_software),
                                                              std::string(wire::client_software_release)},
                                           version, deadline));
        if (response.error == KafkaError::unsupported_version && version > 0) continue;
        MEDIC_CHECK(check(response.error, "ApiVersions of broker " + peer_));
        for (const auto& api : response.apis) versions_[api.api_key] = {api.version_min, api.version_max};
        return {};
    }
    return fail(ErrorCode::invalid, "broker {} supports no version of ApiVersions that we know", peer_);
}

Status KafkaConnection::log_in(KafkaDeadline deadline) {
    stage_ = Stage::logging_in;
    const SaslLoginOptions& sasl = *options_->security.sasl;
    const std::string what =
        sasl.username.empty() ? fmt::format("broker {}: login with {}", peer_, sasl.mechanism)
                              : fmt::format("broker {}: login as `{}` with {}", peer_, sasl.username, sasl.mechanism);
    // Version 0 of the handshake (Kafka before 1.0) goes on with bare tokens, which we don't speak.
    constexpr std::int16_t handshake_version = 1;
    const auto asked = version(ApiKey::sasl_handshake);
    if (!asked || *asked < handshake_version || !version(ApiKey::sasl_authenticate))
        return fail(ErrorCode::invalid, "{}: the broker is too old for it: expected Kafka 1.0 or newer", what);
    MEDIC_TRY(const auto offer, ask(SaslHandshakeRequest{sasl.mechanism}, handshake_version, deadline));
    if (offer.error == KafkaError::unsupported_sasl_mechanism)
        return fail(ErrorCode::invalid, "{}: its listener offers {}: set `mechanism` to one of them", what,
                    joined(offer.mechanisms));
    if (offer.error == KafkaError::illegal_sasl_state)
        return fail(ErrorCode::invalid,
                    "{}: its listener asks for no login: remove `sasl:`, or take the port of a SASL listener", what);
    MEDIC_CHECK(check(offer.error, what));

    // A command that asks a vault may take longer than a broker may: its time is not the broker's.
    const auto before = std::chrono::steady_clock::now();
    auto secret = read_secret(sasl.secret(), kPasswordTimeout);
    deadline += std::chrono::steady_clock::now() - before;
    if (!secret) return wrap(secret.error(), what);
    MEDIC_TRY(const std::string nonce, make_nonce());
    auto login = begin_sasl(sasl, *std::move(secret), nonce);
    if (!login) return wrap(login.error(), what);
    MEDIC_TRY(const std::int16_t authenticate_version, version(ApiKey::sasl_authenticate));
    std::optional<std::string> token = (*login)->first();
    for (int round = 0; token; ++round) {
        if (round == kLoginRoundsMax) return fail(ErrorCode::invalid, "{}: it never ends", what);
        MEDIC_TRY(const auto answer, ask(SaslAuthenticateRequest{*token}, authenticate_version, deadline));
        if (answer.error == KafkaError::sasl_authentication_failed)
            return fail(ErrorCode::invalid, "{}: refused ({}): {}", what, place_of(sasl.secret()),
                        answer.error_message.value_or("the broker gives no reason"));
        MEDIC_CHECK(check(answer.error, what, answer.error_message.value_or("")));
        auto next = (*login)->next(answer.auth_bytes);
        if (!next) return wrap(next.error(), fmt::format("{} ({})", what, place_of(sasl.secret())));
        token = *std::move(next);
        log_in_again_at_.reset();
        // Kafka's own clients log in anew after 85 to 95 % of the session's life (KIP-368).
        if (answer.session_lifetime_ms > 0)
            log_in_again_at_ =
                std::chrono::steady_clock::now() + std::chrono::milliseconds(answer.session_lifetime_ms / 20 * 17);
    }
    return {};
}

Status KafkaConnection::keep_logged_in(KafkaDeadline deadline) {
    if (!log_in_again_at_ || std::chrono::steady_clock::now() < *log_in_again_at_) return {};
    Status status = log_in(deadline);
    if (!status) close();
    stage_ = Stage::proven;
    return status;
}

std::string KafkaConnection::closed_hint() const {
    if (!options_) return "";
    if (stage_ == Stage::connecting && options_->security.tls && !tls_)
        return " in the TLS handshake: a plain-text listener does that; take its TLS port, or remove `tls:`";
    if (stage_ == Stage::connecting && !options_->security.tls)
        return " at the first request: a listener that wants TLS does that: is `tls:` missing?";
    if (stage_ == Stage::logging_in) return " during the login";
    if (stage_ == Stage::unproven && !options_->security.sasl)
        return " at the first request after the versions: a listener that asks for a login does that; is `sasl:` "
               "missing?";
    return "";
}

}  // namespace medic
