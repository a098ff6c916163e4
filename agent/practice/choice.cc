#include "agent/practice/choice.h"

#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include "remediations/guards/guards.h"

namespace medic::practice {
namespace {

using DriverKind = NodeDriverConfig::Kind;

// Those that say whether anything, or this node, may be touched now. The others are about a plan: its budget, its
// cool-down, its policy.
constexpr std::array about_the_cluster{"lease", "operation-under-way", "pause", "self-doubt", "silenced", "storm"};
constexpr std::array about_the_node{"blast-radius", "partitions-available", "silenced"};

template <std::size_t N>
std::vector<std::string> asked(const std::array<const char*, N>& names, const GuardQuestion& question) {
    std::vector<std::string> all;
    for (const Guard& guard : guards::all_guards()) {
        if (std::ranges::find(names, guard.name) == names.end()) continue;
        if (const auto refusal = guard.object(question)) all.push_back(std::string(guard.name) + ": " + refusal->why);
    }
    return all;
}

GuardQuestion question_of(const Standing& standing) {
    GuardQuestion question;
    question.cluster = standing.cluster;
    question.now = standing.at;
    question.pause_file = standing.pause_file;
    for (const PauseStanding& one : standing.pauses)
        question.pauses.push_back({.cluster = one.cluster, .reason = one.reason, .by = one.by});
    question.operations_seen_at = standing.operations_at;
    for (const WorkStanding& one : standing.operations)
        question.operations.push_back({.subject = {standing.cluster, one.subject_kind, one.subject},
                                       .kind = one.kind,
                                       .by = one.by,
                                       .since = {}});
    question.sight = {.reported_at = standing.reported_at,
                      .targets_blind = standing.blind,
                      .targets_total = standing.targets,
                      .tick_lateness_seconds = standing.tick_lateness_seconds};
    if (standing.storm_incidents > 0) question.storm = Storm{standing.storm_incidents, {}};
    if (standing.several_agents)
        question.acting_agent = ActingAgent{.ours = standing.acting_holder.empty(),
                                            .holder = standing.acting_holder,
                                            .problem = standing.acting_problem};
    if (!standing.silences_problem.empty()) {
        question.silences_configured = true;
        question.silences_problem = standing.silences_problem;
    }
    return question;
}

TakenAway taken(const Standing& standing, const NodeStanding& node) {
    TakenAway taking{.node = node.name, .role = node.role};
    for (const NodeStanding& one : standing.nodes)
        if (one.role == node.role)
            taking.nodes.push_back({.name = one.name, .zone = one.zone, .spare = one.spare, .up = one.up});
    taking.broker = node.broker;
    taking.needed_by = node.needed_by;
    taking.logs_to_recover = node.logs_to_recover;
    return taking;
}

std::vector<std::string> driver_lacks(const Fault& fault, const NodeDriverConfig& driver, bool leased) {
    std::vector<std::string> lacks;
    const auto need = [&](const char* action) {
        if (!driver.can(action)) lacks.push_back(fmt::format("its driver has no `{}`", action));
    };
    if (driver.kind == DriverKind::none) return {"no driver is configured for it"};
    need("status");
    need("start");
    if (leased && driver.kind == DriverKind::agent)
        lacks.emplace_back("several agents share a lease: its sidecar takes nothing from anybody without one");
    if (fault.kind == Fault::Kind::kill) {
        need("kill");
    } else if (driver.kind == DriverKind::agent) {
        lacks.emplace_back("its process is on another host (driver of kind agent): only a local one can be frozen");
    }
    return lacks;
}

// Others of its role that would go on.
std::size_t others_up(const Standing& standing, const NodeStanding& node) {
    return static_cast<std::size_t>(std::ranges::count_if(standing.nodes, [&](const NodeStanding& one) {
        return one.role == node.role && one.name != node.name && one.up == true;
    }));
}

void taskmanager(const Standing& standing, const NodeStanding& node, Possibility& possibility) {
    if (!node.slots || !node.slots_free) {
        possibility.notes.emplace_back("how many of its slots are used is not known");
    } else {
        possibility.has_work = *node.slots > *node.slots_free;
        if (!possibility.has_work) possibility.notes.emplace_back("none of its slots is used: no job would miss it");
    }
    double free = 0;
    bool spare = false;
    for (const NodeStanding& one : standing.nodes) {
        if (one.role != node.role || one.name == node.name || one.up != true) continue;
        if (one.spare) spare = true;
        if (!one.spare) free += one.slots_free.value_or(0);
    }
    const double used = node.slots && node.slots_free ? *node.slots - *node.slots_free : 0;
    if (!spare && free < used)
        possibility.notes.push_back(fmt::format(
            "no spare is up and the others have {} free slots of the {} that it uses: its jobs wait until it is back",
            free, used));
}

void jobmanager(const Standing& standing, const ChoiceOptions& options, Possibility& possibility) {
    possibility.has_work = true;
    if (options.highly_available) return;
    const ModeStanding* mode = standing.mode("flink.job-lost");
    if (mode != nullptr && mode->mode != "observe") {
        possibility.notes.push_back(
            fmt::format("without high availability its jobs must be started anew: {} does so ({}: {})", mode->remedy,
                        mode->mode, mode->why));
        return;
    }
    possibility.why_not.emplace_back(
        "its jobs may be gone with it, and starting it does not bring them back: say --highly-available where they "
        "come back by themselves, or let the policy allow flink.start-lost-job");
}

Possibility judge(const Fault& fault, const NodeConfig& config, const Standing& standing,
                  const ChoiceOptions& options) {
    Possibility possibility{
        .fault = &fault, .node = config.name, .why_not = driver_lacks(fault, config.driver, standing.several_agents)};
    auto& why_not = possibility.why_not;
    const NodeStanding* node = standing.node(config.name);
    if (node == nullptr) {
        why_not.emplace_back("the agent does not know it: it runs with another configuration");
        return possibility;
    }
    if (node->spare) why_not.emplace_back("it is a spare: nobody would miss it");
    if (!node->up) why_not.emplace_back("whether its process runs is not known");
    if (node->up == false) why_not.emplace_back("its process does not run");
    if (node->stopped == true) why_not.emplace_back("its process is stopped already");
    GuardQuestion question = question_of(standing);
    question.takes_away = taken(standing, *node);
    if (!node->silenced.empty()) {
        question.silences_configured = true;
        question.silences_read_at = question.now;
        question.silenced.push_back({.what = node->silenced});
    }
    for (std::string& refusal : asked(about_the_node, question))
        if (node->up == true) why_not.push_back(std::move(refusal));
    if (others_up(standing, *node) == 0) possibility.notes.emplace_back("it is the only one of its role that is up");
    if (node->role == "taskmanager")
        taskmanager(standing, *node, possibility);
    else if (node->role == "jobmanager")
        jobmanager(standing, options, possibility);
    else
        possibility.has_work = node->up == true;
    return possibility;
}

}  // namespace

std::string not_allowed(const DrillsConfig& drills, const std::string& cluster, const std::string& config_path) {
    if (drills.allowed) return "";
    return fmt::format(
        "{}: cluster `{}` does not allow drills (key `drills`, `refused` by default). A drill makes a real fault: "
        "where "
        "that may be, as on staging, write `drills: allowed` under `clusters.{}` in {}; the agent need not be "
        "restarted",
        drills.where, cluster, cluster, config_path);
}

std::vector<std::string> objections(const Standing& standing) {
    std::vector<std::string> all = asked(about_the_cluster, question_of(standing));
    std::vector<std::string> open;
    for (const IncidentStanding& one : standing.incidents)
        open.push_back(
            fmt::format("{} ({}, {})", one.id, one.cause.empty() ? "cause not known" : one.cause, one.state));
    if (!open.empty())
        all.push_back(fmt::format("incidents are open: {}; end them first (`medic incidents`)", fmt::join(open, ", ")));
    return all;
}

std::vector<Possibility> possibilities(const ClusterConfig& cluster, const Standing& standing,
                                       const ChoiceOptions& options) {
    std::vector<Possibility> all;
    for (const Fault& fault : all_faults())
        for (const NodeConfig& node : cluster.nodes)
            if (node.role == fault.role) all.push_back(judge(fault, node, standing, options));
    return all;
}

Result<Possibility> choose(const std::vector<Possibility>& all, std::string_view fault, const std::string& node) {
    if (find_fault(fault) == nullptr) {
        std::vector<std::string_view> names;
        for (const Fault& one : all_faults()) names.push_back(one.name);
        return fail(ErrorCode::invalid, "no fault `{}`; there are {}", fault, fmt::join(names, ", "));
    }
    const Possibility* best = nullptr;
    std::vector<std::string> why_not;
    for (const Possibility& one : all) {
        if (one.fault->name != fault || (!node.empty() && one.node != node)) continue;
        if (!one.possible())
            why_not.push_back(fmt::format("{}: {}", one.node, fmt::join(one.why_not, "; ")));
        else if (node.empty() && !one.has_work)
            why_not.push_back(one.node + ": it is not known to have work; name it with --node to take it all the same");
        else if (best == nullptr)
            best = &one;
    }
    if (best != nullptr) return *best;
    if (!why_not.empty())
        return fail(ErrorCode::not_ready, "{} is not possible now\n  {}", fault, fmt::join(why_not, "\n  "));
    if (!node.empty())
        return fail(ErrorCode::invalid, "{} is no {} among the nodes of this cluster", node, find_fault(fault)->role);
    return fail(ErrorCode::invalid, "this cluster lists no {} under `nodes`", find_fault(fault)->role);
}

}  // namespace medic::practice
