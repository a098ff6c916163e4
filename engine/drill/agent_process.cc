#include "engine/drill/agent_process.h"

#include <signal.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <thread>

#include "engine/common/rest_internal.h"

namespace medic::engine::drill {
namespace {

using nlohmann::json;

constexpr auto start_patience = std::chrono::seconds(30);
constexpr Duration stop_grace{5'000};

// "2026-01-31T12:00:00.123Z" → milliseconds; 0 for null.
std::int64_t wall_ms(const json& value) {
    if (!value.is_string()) return 0;
    const std::string text = value.get<std::string>();
    std::tm parts = {};
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) return 0;
    const int fraction = *rest == '.' ? std::atoi(std::string(rest + 1, 3).c_str()) : 0;
    return static_cast<std::int64_t>(::timegm(&parts)) * 1000 + fraction;
}

// The remedy that was carried out, or the one that is planned.
std::string remedy_of(const json& incident) {
    const json plan = member(incident, "plan", json());
    return plan.is_object() ? member(plan, "remedy", std::string()) : "";
}

IncidentView view(const json& incident) {
    const json diagnosis = member(incident, "diagnosis", json::object());
    const json subject = member(diagnosis, "subject", json::object());
    return {.id = member(incident, "id", std::string()),
            .state = member(incident, "state", std::string()),
            .outcome = member(incident, "outcome", std::string()),
            .side = member(diagnosis, "side", std::string()),
            .cause = member(diagnosis, "cause", std::string()),
            .subject = member(subject, "kind", std::string()) + "/" + member(subject, "name", std::string()),
            .remedy = remedy_of(incident),
            .summary = member(diagnosis, "summary", std::string()),
            .opened_ms = wall_ms(member(incident, "opened_at", json())),
            .detected_ms = wall_ms(member(incident, "detected_at", json())),
            .acted_ms = wall_ms(member(incident, "acted_at", json())),
            .healed_ms = wall_ms(member(incident, "healed_at", json())),
            .abstains = member(diagnosis, "abstains", true)};
}

Status ask_as(const std::string& token, HttpCall call) {
    call.headers.emplace_back("Authorization", "Bearer " + token);
    return call_rest(call);
}

}  // namespace

Result<std::unique_ptr<AgentProcess>> AgentProcess::start(const std::string& program, const lab::LabPlan& plan,
                                                          AgentSurroundings surroundings) {
    std::unique_ptr<AgentProcess> agent(new AgentProcess(program, plan, std::move(surroundings)));
    MEDIC_CHECK(agent->launch());
    return agent;
}

AgentProcess::~AgentProcess() {
    if (is_alive(id_)) terminate(id_, stop_grace);
}

Status AgentProcess::launch() {
    const std::string& dir = plan_.options.data_dir;
    // Else the one that is started here could not listen, and another one's words would be taken for its own.
    if (incidents()) return fail(ErrorCode::not_ready, "another agent answers on {}", plan_.agent_port);
    std::vector<std::string> argv = surroundings_.wrapper;
    argv.insert(argv.end(), {program_, "agent", "--config", dir + "/" + surroundings_.configuration, "--policy",
                             dir + "/policy.yaml"});
    MEDIC_TRY(id_, spawn({.argv = std::move(argv),
                          .log_file = dir + "/logs/agent.log",
                          .environment = surroundings_.environment}));
    const auto deadline = std::chrono::steady_clock::now() + start_patience;
    for (;;) {
        const auto listed = incidents();
        if (listed) return {};
        if (reap(id_) || !is_alive(id_))
            return fail(ErrorCode::unavailable, "medic agent has ended: see {}/logs/agent.log", dir);
        if (std::chrono::steady_clock::now() > deadline) return wrap(listed.error(), "medic agent does not answer");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

Result<std::vector<IncidentView>> AgentProcess::incidents() const {
    MEDIC_TRY(const json body, call_json({.url = fmt::format("http://127.0.0.1:{}/api/v1/incidents", plan_.agent_port),
                                          .timeout = Duration(3'000)}));
    std::vector<IncidentView> views;
    for (const auto& incident : member(body, "incidents", json::array())) views.push_back(view(incident));
    return views;
}

Result<std::string> AgentProcess::token() const {
    std::ifstream file(plan_.options.data_dir + "/token");
    std::string name, token;
    if (!(file >> name >> token)) return fail(ErrorCode::unavailable, "the lab's token can't be read");
    return token;
}

Status AgentProcess::agree_to(const std::string& remedy) const {
    const std::string url = fmt::format("http://127.0.0.1:{}/api/v1/actions", plan_.agent_port);
    MEDIC_TRY(const json body, call_json({.url = url, .timeout = Duration(3'000)}));
    for (const auto& action : member(body, "actions", json::array())) {
        const bool waits = member(action, "state", std::string()) == "waiting_approval";
        if (!waits || member(action, "remedy", std::string()) != remedy) continue;
        MEDIC_TRY(const std::string secret, token());
        MEDIC_CHECK(ask_as(secret, json_call("POST", url + "/" + member(action, "id", std::string()) + "/approve",
                                             {{"reason", "drill"}})));
    }
    return {};
}

Status AgentProcess::deploy(const std::string& version) const {
    MEDIC_TRY(const std::string secret, token());
    // A drill that is run again deploys what the one before it has put into quarantine.
    return ask_as(secret, json_call("POST", fmt::format("http://127.0.0.1:{}/api/v1/deploy", plan_.agent_port),
                                    {{"job", lab::job_name},
                                     {"version", version},
                                     {"reason", "drill"},
                                     {"accept", json::array({"quarantine"})}}));
}

Status AgentProcess::roll(const std::string& role) const {
    MEDIC_TRY(const std::string secret, token());
    return ask_as(secret, json_call("POST", fmt::format("http://127.0.0.1:{}/api/v1/roll", plan_.agent_port),
                                    {{"role", role}, {"reason", "drill"}}));
}

Status AgentProcess::kill_and_restart() {
    MEDIC_CHECK(send_signal(id_, SIGKILL));
    if (!wait_gone(id_, stop_grace))
        return fail(ErrorCode::outcome_unknown, "medic agent (pid {}) survives SIGKILL", id_.pid);
    return launch();
}

}  // namespace medic::engine::drill
