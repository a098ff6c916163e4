#include "tests/live/login_listener.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <thread>

#include "agent/base/base64.h"
#include "agent/wire/messages/configs.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/kafka_client.h"
#include "engine/common/files.h"
#include "tests/live/tool.h"

namespace medic::live {
namespace {

namespace fs = std::filesystem;
using engine::lab::LabPlan;
using engine::lab::ProcessPlan;
using engine::lab::Role;

constexpr const char* openssl = "/usr/bin/openssl";

std::string folder_of(const std::string& data_dir) { return data_dir + "/tls"; }
std::string keystore_of(const std::string& data_dir, const std::string& broker) {
    return fmt::format("{}/{}.pem", folder_of(data_dir), broker);
}

Status run_openssl(const std::string& data_dir, std::vector<std::string> more) {
    std::vector<std::string> argv = {openssl,  "req",   "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                     "-nodes", "-days", "2"};
    argv.insert(argv.end(), more.begin(), more.end());
    return run_tool(data_dir, std::move(argv), "openssl");
}

Result<std::string> text_of(const std::string& path) {
    MEDIC_TRY(auto text, engine::read_file_if_there(path));
    if (!text) return fail(ErrorCode::unavailable, "{} is missing", path);
    return *std::move(text);
}

// `authority`: its name, and that of its files.
Status make_certificates(const LabPlan& plan, const std::string& authority) {
    const std::string& dir = plan.options.data_dir;
    const std::string of = folder_of(dir) + "/" + authority;
    MEDIC_CHECK(run_openssl(dir, {"-keyout", of + ".key", "-out", of + ".crt", "-subj", "/CN=" + authority}));
    for (const ProcessPlan& broker : plan.processes) {
        if (broker.role != Role::broker) continue;
        const std::string keystore = keystore_of(dir, broker.name), key = keystore + ".key", own = keystore + ".crt";
        MEDIC_CHECK(run_openssl(dir, {"-keyout", key, "-out", own, "-subj", "/CN=" + broker.name, "-addext",
                                      "subjectAltName=IP:127.0.0.1", "-CA", of + ".crt", "-CAkey", of + ".key"}));
        MEDIC_TRY(const std::string key_text, text_of(key));
        MEDIC_TRY(const std::string certificate, text_of(own));
        MEDIC_TRY(const std::string issuer, text_of(of + ".crt"));
        MEDIC_CHECK(engine::write_file_whole(keystore, key_text + certificate + issuer));
    }
    return {};
}

// Whoever is to be let in while certificates change trusts both authorities.
Status trust(const LabPlan& plan, const std::vector<std::string>& authorities) {
    const std::string folder = folder_of(plan.options.data_dir);
    std::string all;
    for (const std::string& authority : authorities) {
        MEDIC_TRY(const std::string text, text_of(folder + "/" + authority + ".crt"));
        all += text;
    }
    return engine::write_file_whole(folder + "/trusted.pem", all);
}

std::string base64_url(const std::string& text) {
    std::string encoded = to_base64(text);
    std::erase(encoded, '=');
    for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return encoded;
}

Status load_again(const LabPlan& plan, KafkaClient& client, const ProcessPlan& broker) {
    std::int32_t id = 0;
    const std::string number = broker.name.substr(broker.name.find('-') + 1);
    std::from_chars(number.data(), number.data() + number.size(), id);
    // The path is the old one: a broker that is told it anew looks whether the file has changed.
    wire::IncrementalAlterConfigsRequest request;
    request.resources.push_back({.type = static_cast<std::int8_t>(wire::ConfigResource::broker),
                                 .name = number,
                                 .configs = {{.name = "listener.name.login.ssl.keystore.location",
                                              .value = keystore_of(plan.options.data_dir, broker.name)}}});
    MEDIC_TRY(const auto answer, client.call(KafkaTarget::broker(id), request));
    for (const auto& each : answer.resources)
        MEDIC_CHECK(
            wire::check(each.error, "IncrementalAlterConfigs of " + broker.name, each.error_message.value_or("")));
    return {};
}

// Whoever trusts the new authority alone gets in. A broker loads the file when the change has come to it through the
// metadata log.
Status shows_new_certificate(const LabPlan& plan, const std::string& address) {
    constexpr auto patience = std::chrono::seconds(30);
    constexpr auto poll = std::chrono::milliseconds(250);
    KafkaSecurity only_new = login_security(plan.options.data_dir);
    only_new.tls->ca = folder_of(plan.options.data_dir) + "/second-authority.crt";
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        KafkaClient witness({.bootstrap = {address}, .client_id = "medic-live", .security = only_new});
        const auto seen = witness.brokers();
        if (seen) return {};
        if (std::chrono::steady_clock::now() >= deadline) return wrap(seen.error(), address);
        std::this_thread::sleep_for(poll);
    }
}

}  // namespace

Status make_login_files(const LabPlan& plan) {
    const std::string folder = folder_of(plan.options.data_dir);
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fail(ErrorCode::unavailable, "{}: {}", folder, error.message());
    MEDIC_CHECK(make_certificates(plan, "first-authority"));
    MEDIC_CHECK(trust(plan, {"first-authority"}));
    constexpr std::int64_t lifetime_s = 2 * 24 * 3'600;
    const std::int64_t now_s = read_clock().wall.unix_ms / 1'000;
    return engine::write_file_whole(
        folder + "/token",
        base64_url(R"({"alg":"none"})") + "." +
            base64_url(fmt::format(R"({{"sub":"medic","iat":{},"exp":{}}})", now_s, now_s + lifetime_s)) + ".\n");
}

std::string login_properties(const std::string& data_dir, const std::string& broker) {
    return fmt::format(
        "listener.name.login.ssl.keystore.type=PEM\n"
        "listener.name.login.ssl.keystore.location={}\n"
        "listener.name.login.sasl.enabled.mechanisms=OAUTHBEARER\n"
        "listener.name.login.oauthbearer.connections.max.reauth.ms=30000\n"
        "listener.name.login.oauthbearer.sasl.jaas.config="
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
        "unsecuredLoginStringClaim_sub=\"{}\";\n",
        keystore_of(data_dir, broker), broker);
}

KafkaSecurity login_security(const std::string& data_dir) {
    KafkaSecurity security;
    security.tls.emplace().ca = folder_of(data_dir) + "/trusted.pem";
    security.sasl.emplace().mechanism = "OAUTHBEARER";
    security.sasl->token.file = folder_of(data_dir) + "/token";
    return security;
}

std::vector<std::string> login_bootstrap(const LabPlan& plan) {
    std::vector<std::string> addresses;
    for (const ProcessPlan& process : plan.processes)
        if (process.role == Role::broker)
            addresses.push_back(fmt::format("127.0.0.1:{}", process.ports.at(login_port)));
    return addresses;
}

Status rotate_certificates(const LabPlan& plan) {
    const std::string& dir = plan.options.data_dir;
    MEDIC_CHECK(make_certificates(plan, "second-authority"));
    MEDIC_CHECK(trust(plan, {"first-authority", "second-authority"}));
    KafkaClient client(
        {.bootstrap = login_bootstrap(plan), .client_id = "medic-live", .security = login_security(dir)});
    for (const ProcessPlan& broker : plan.processes) {
        if (broker.role != Role::broker) continue;
        MEDIC_CHECK(load_again(plan, client, broker));
    }
    for (const std::string& address : login_bootstrap(plan)) MEDIC_CHECK(shows_new_certificate(plan, address));
    for (const ProcessPlan& broker : plan.processes) {
        if (broker.role != Role::broker) continue;
        MEDIC_CHECK(run_tool(dir, {"/usr/bin/ss", "-K", "sport", "=", fmt::format(":{}", broker.ports.at(login_port))},
                             "iproute2"));
    }
    return {};
}

}  // namespace medic::live
