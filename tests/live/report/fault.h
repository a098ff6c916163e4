// A fault of the report: how it is made and ended on the running products, whose it is, and which flow it hits. One
// file per family under faults/. Nothing in the agent may know one.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/common/process.h"
#include "engine/drill/agent_process.h"
#include "tests/live/report/site.h"

namespace medic::live {

enum class Ends : std::uint8_t {
    by_itself_or_agent,  // The engine or a remedy can end it.
    by_a_person,  // Only a developer or an owner can: it is to be named. The report plays that person afterwards.
};
enum class Hits : std::uint8_t {
    flow,     // Records stop or slow down.
    nothing,  // Records go on: a reserve is lost, or something grows.
};

// From when on the flow is watched and times are taken.
enum class Counts : std::uint8_t {
    from_the_beginning,  // Of the injection: the fault bites while it is being made.
    from_its_end,        // The making itself rightly stops the flow: a deployment, a restart in good order.
};

// What a platform must be like for a fault, beyond the usual.
struct Needs {
    int connect_workers = 1;
    BrokerKeys kafka;
    bool operator==(const Needs&) const = default;
};

struct Fault {
    std::string name;
    std::string told;  // One line for people.
    std::string side;
    std::vector<std::string> causes;  // The expected one, and others that are as right.
    std::function<Status(Site&)> inject;
    std::function<Status(Site&)> clear;  // What the person does in the end; lost nodes are started again anyway.
    FlowName flow = FlowName::totals;
    Ends ends = Ends::by_itself_or_agent;
    bool may_try = false;  // By a person: a remedy may be tried first that turns out not to help and is taken back.
    Hits hits = Hits::flow;
    Counts counts = Counts::from_the_beginning;
    Duration patience{120'000};  // For the arm with the agent.
    Duration history{0};         // How long the agent must have watched before.
    Needs needs;
    // Where records go on whatever happens: whether all is as it was. Empty: the records tell.
    std::function<Result<bool>(Site&)> mended = {};
};

// A look-alike: the agent must do nothing. `calm` is how long it is watched, from the injection on.
struct FalseFriend {
    std::string name;
    std::string told;
    std::function<Status(Site&, const engine::ProcessId& agent)> inject;
    std::function<Status(Site&)> clear;
    Duration calm{45'000};
    // Before the agent starts: what it is to start in; empty: as usual. `clear` ends what it has begun.
    std::function<Result<engine::drill::AgentSurroundings>(Site&)> surround = {};
};

// Turns a switch of the job's or the connector's.
[[nodiscard]] std::function<Status(Site&)> switched(const std::string& name, bool on);
// Asks until it holds. Errors: its last one, when the patience is over.
[[nodiscard]] Status wait_until(std::chrono::seconds patience, const std::function<Status()>& holds);
// The job or the connector takes a switch away when the fault has begun.
[[nodiscard]] Status is_taken(const Site& site, const std::string& fault, std::chrono::seconds patience);

// One function per file under faults/.
[[nodiscard]] std::vector<Fault> job_faults();
[[nodiscard]] std::vector<Fault> deployment_faults();
[[nodiscard]] std::vector<Fault> flink_node_faults();
[[nodiscard]] std::vector<Fault> connect_faults();
[[nodiscard]] std::vector<Fault> kafka_faults();
[[nodiscard]] std::vector<FalseFriend> false_friends();         // All of them.
[[nodiscard]] std::vector<FalseFriend> friends_around_agent();  // What is wrong is the agent's own surroundings.

[[nodiscard]] std::vector<Fault> all_faults();

}  // namespace medic::live
