// `medic roll`: a rolling restart by the running agent, followed until it has ended.
#include <fmt/core.h>

#include "agent/api/json_internal.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/loop/request.h"
#include "agent/world/real/worker.h"

namespace medic::cli {
namespace {

constexpr Duration look_again{1'000};
constexpr int answers_missed_max = 30;  // In a row: the agent is gone.

struct Options {
    AgentAddress agent;
    std::string role, cluster, reason;
    std::vector<std::string> nodes;
    bool no_wait = false;
};

// What is known of the roll: its incident, as the agent shows it.
class Follower {
public:
    explicit Follower(const Options& options) : options_(options) {}

    // nullopt: it goes on.
    std::optional<int> look() {
        const auto reply = call_api(options_.agent, "GET", "/api/v1/incidents");
        const Json body = reply ? Json::parse(reply->body, nullptr, false) : Json();
        if (!body.is_object()) {
            if (++missed_ < answers_missed_max) return std::nullopt;
            return complain("the agent does not answer any more; the roll goes on when it is back", exit_problem);
        }
        missed_ = 0;
        for (const Json& incident : body.value("incidents", Json::array()))
            if (is_ours(incident)) return tell(incident);
        return std::nullopt;  // Not taken up yet.
    }
    [[nodiscard]] const std::string& id() const { return id_; }

private:
    // The newest one that had not ended when we first saw it; there is only one at a time.
    bool is_ours(const Json& incident) {
        if (!id_.empty()) return text_of(incident, "id") == id_;
        const Json& diagnosis = incident.value("diagnosis", Json::object());
        if (text_of(diagnosis, "cause") != roll_cause || text_of(incident, "state") == "resolved") return false;
        if (!options_.cluster.empty() && text_of(incident, "cluster") != options_.cluster) return false;
        id_ = text_of(incident, "id");
        fmt::print("{}: {}\n", id_, text_of(diagnosis, "summary"));
        return true;
    }

    std::optional<int> tell(const Json& incident) {
        const Json story = incident.value("story", Json::array());
        for (; told_ < story.size(); ++told_)
            fmt::print("  {}  {}\n", text_of(story[told_], "at"), text_of(story[told_], "text"));
        std::fflush(stdout);
        const std::string state = text_of(incident, "state"), outcome = text_of(incident, "outcome");
        if (state == "healed" || state == "resolved") return outcome == "done" ? exit_ok : exit_problem;
        if (state == "observing")
            return complain("the policy observes only: no rule lets node.roll act here (`medic config check`)",
                            exit_problem);
        if (state != "escalated") return std::nullopt;
        return complain(id_ + " waits for " + text_of(incident, "waiting_for") + ": " + outcome, exit_problem);
    }

    const Options& options_;
    std::string id_;
    std::size_t told_ = 0;
    int missed_ = 0;
};

int roll(const Options& options) {
    Json body{{"cluster", options.cluster}, {"role", options.role}, {"reason", options.reason}};
    if (!options.nodes.empty()) body["nodes"] = options.nodes;
    const auto reply =
        call_api(options.agent, "POST", "/api/v1/roll", body.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (!reply || reply->status != 200 || options.no_wait)
        return print_outcome(reply, "asked for; `medic actions` shows how far it is");
    Follower follower(options);
    do {
        if (const auto code = follower.look()) return *code;
    } while (!wait_for_stop_signal(look_again));
    fmt::print("The roll goes on. `medic actions stop {}` stops it after the step at hand.\n",
               follower.id().empty() ? "ID" : follower.id());
    return exit_ok;
}

}  // namespace

void add_roll(CLI::App& app, Context& context) {
    CLI::App* command = add(
        app, on_call, "roll", "Restart brokers, Connect workers or task managers one after another, safely",
        "  medic roll broker --reason 'kernel patches'\n"
        "  medic roll connect-worker --nodes connect-1 connect-2 --reason 'new plugin'\n"
        "The running agent does it: each node is stopped in good order and started again, the next one only when it\n"
        "does its work again. No broker is stopped that a partition or the quorum needs; pauses, silences and other\n"
        "people's work are respected. The policy must allow node.roll (`ask` is enough: you have asked).");
    static Options options;
    options.agent.add_options(*command);
    command->add_option("ROLE", options.role, "What is rolled")
        ->required()
        ->check(CLI::IsMember({"broker", "connect-worker", "taskmanager"}));
    command->add_option("--cluster", options.cluster, "Needed where the agent watches more than one");
    command->add_option("--nodes", options.nodes, "Only these, by their names in medic.yaml; all without it");
    command->add_option("--reason", options.reason, "Why: whoever sees it must know")->required();
    command->add_flag("--no-wait", options.no_wait, "Do not follow it");
    command->callback([&context] { context.exit_code = roll(options); });
}

}  // namespace medic::cli
