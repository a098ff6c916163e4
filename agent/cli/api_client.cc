#include "agent/cli/api_client_internal.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/token_line.h"
#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/config/config.h"
#include "agent/world/real/http_client.h"

namespace medic::cli {
namespace {

using Json = nlohmann::json;

// The running agent writes where it listens (port 0 means any); the configuration says where it should.
std::string address_of(const Config& config) {
    std::ifstream in(config.data_dir + "/api_address");
    std::string listens;
    if (std::getline(in, listens) && !listens.empty()) return "http://" + listens;
    return "http://" + config.api_listen;
}

// MEDIC_TOKEN, or the line of whoever is logged in, or the only one: the agent records its name. Among several names of
// others none is borrowed. "" where there is no file: the agent says what it needs.
Result<std::string> token_of(const Config& config) {
    if (const char* given = std::getenv("MEDIC_TOKEN"); given != nullptr) return given;
    std::ifstream in(config.api_token_file);
    std::map<std::string, std::string> tokens;
    std::string line;
    while (std::getline(in, line)) {
        const TokenLine read = read_token_line(line);
        if (!read.token.empty()) tokens.emplace(read.name, read.token);
    }
    if (tokens.empty()) return std::string();
    const auto users = user_names();
    for (const std::string& user : users)
        if (const auto found = tokens.find(user); found != tokens.end()) return found->second;
    if (tokens.size() == 1) return tokens.begin()->second;
    return fail(ErrorCode::invalid, "{}: no line for {}: set MEDIC_TOKEN to a token of your own", config.api_token_file,
                users.empty() ? "whoever asks" : users.front());
}

}  // namespace

std::string default_config() {
    std::error_code error;
    constexpr const char* installed = "/etc/streammedic/medic.yaml";
    const bool only_installed =
        !std::filesystem::exists("medic.yaml", error) && std::filesystem::exists(installed, error);
    return only_installed ? installed : "medic.yaml";
}

void AgentAddress::add_options(CLI::App& command) {
    command.add_option("--config", config, "medic.yaml of the agent")->capture_default_str();
    command.add_option("--url", url, "Address of the agent's API instead");
}

Result<std::string> agent_url(const AgentAddress& address) {
    if (!address.url.empty()) return http_address("--url", address.url);
    MEDIC_TRY(const Config config, load_config_file(address.config));
    return address_of(config);
}

Result<ApiReply> call_api(const AgentAddress& address, const std::string& method, const std::string& path,
                          const std::string& body) {
    HttpCall call;
    call.method = method;
    call.body = body;
    call.timeout = address.patience;
    const bool shows_token = method != "GET" || address.shows_token;
    std::string token = address.token;
    if (address.url.empty()) {
        MEDIC_TRY(const Config config, load_config_file(address.config));
        call.url = address_of(config) + path;
        if (shows_token) {
            MEDIC_TRY(token, token_of(config));
        }
    } else {
        MEDIC_TRY(const std::string url, http_address("--url", address.url));
        call.url = url + path;
        if (const char* given = std::getenv("MEDIC_TOKEN"); given != nullptr) token = given;
    }
    if (method != "GET") call.headers = {{"Content-Type", "application/json"}};
    if (shows_token && !token.empty()) call.headers.emplace_back("Authorization", "Bearer " + token);
    constexpr std::uint64_t answer_bytes_max = 64 << 20;  // A bundle's observations.
    call.body_bytes_max = answer_bytes_max;
    HttpClient client;
    const auto reply = client.perform(call);
    if (reply) return ApiReply{reply->status, reply->body};
    // Who only reads may ask again.
    if (reply.error().code == ErrorCode::outcome_unknown && method == "GET")
        return fail(ErrorCode::unavailable, "{}", reply.error().message);
    return std::unexpected(reply.error());
}

Result<std::string> journal_path(const AgentAddress& address) {
    if (!address.url.empty())
        return fail(ErrorCode::invalid, "--url {}: this reads the journal in the agent's data folder: give --config",
                    address.url);
    MEDIC_TRY(const Config config, load_config_file(address.config));
    return config.data_dir + "/journal.db";
}

bool is_accepted(const Result<ApiReply>& reply) {
    if (!reply || reply->status != 200) return false;
    const Json body = foreign_json(reply->body);
    const Json* accepted = json_member(body, "accepted");
    return accepted != nullptr && *accepted == true;
}

std::string error_of(const ApiReply& reply) {
    const std::string said = json_text(foreign_json(reply.body), "error");
    return said.empty() ? "HTTP status " + std::to_string(reply.status) : said;
}

int print_outcome(const Result<ApiReply>& reply, const std::string& done) {
    if (!reply && reply.error().code == ErrorCode::invalid) return complain(reply.error().message, exit_usage);
    if (!reply && reply.error().code == ErrorCode::outcome_unknown)
        return complain(
            "it was sent and not answered, so it may have been taken; look with `medic actions` and `medic "
            "incidents` before you ask again: " +
                reply.error().message,
            exit_cannot_tell);
    if (!reply) return complain("no agent answers: " + reply.error().message, exit_problem);
    if (reply->status != 200) return complain(error_of(*reply), exit_problem);
    if (!is_accepted(reply))
        return complain("something else than an agent answers there: nothing is known to be changed", exit_problem);
    fmt::print("{}\n", done);
    return exit_ok;
}

}  // namespace medic::cli
