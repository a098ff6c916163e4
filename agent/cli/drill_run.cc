// A drill on a running cluster, from the plan to the scorecard.
#include <fmt/core.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "agent/api/incident_view.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/drill_session.h"
#include "agent/cli/terminal.h"
#include "agent/practice/scorecard.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/folder_lock.h"

namespace medic::cli {
namespace {

using practice::Outcome;
using practice::UndoRecord;

constexpr Duration look_again{500};
constexpr Duration settle_within{60'000};  // Until the agent, too, sees that it is over.

std::string whoever_runs_this() {
    const auto names = user_names();
    return names.empty() ? "uid " + std::to_string(getuid()) : names.front();
}

// "D-20261129T211502.123Z": sorts by time, and no two drills hold the lock at once.
std::string id_of(WallTime at) {
    std::string text = rfc3339(at);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return "D-" + text;
}

Result<FolderLock> take_turn(const std::string& data_dir) {
    auto lock = FolderLock::take(practice::drills_folder(data_dir));
    if (!lock && lock.error().code == ErrorCode::unavailable)
        return fail(ErrorCode::not_ready,
                    "another drill is running on this data folder ({}): `q` or Ctrl-C in its terminal ends it",
                    practice::drills_folder(data_dir));
    return lock;
}

// Which fault on which node, as it would be made now.
Result<practice::Plan> plan_now(const DrillSession& session, const DrillOptions& options, const std::string& node,
                                practice::Standing& standing) {
    MEDIC_TRY(standing, session.standing());
    const auto all =
        practice::possibilities(session.cluster(), standing, {.highly_available = options.highly_available});
    MEDIC_TRY(practice::Possibility what, practice::choose(all, options.fault, node));
    practice::Plan plan{.what = std::move(what),
                        .cluster = session.cluster().name,
                        .mode = {},
                        .remedy = {},
                        .why = {},
                        .patience = options.patience,
                        .objections = practice::objections(standing)};
    if (const auto* mode = standing.mode(plan.what.fault->cause)) {
        plan.mode = mode->mode;
        plan.remedy = mode->remedy;
        plan.why = mode->why;
    }
    return plan;
}

// nullopt: go on.
std::optional<int> ask_person(const DrillOptions& options, const std::string& cluster) {
    if (options.yes) return std::nullopt;
    if (isatty(STDIN_FILENO) == 0)
        return complain("this makes a real fault: nobody is here to confirm it; say --yes", exit_usage);
    fmt::print(stderr, "This makes a real fault. Type the cluster's name to go on: ");
    std::fflush(stderr);
    std::string line;
    std::getline(std::cin, line);
    if (line == cluster) return std::nullopt;
    return complain("not confirmed; nothing was done", exit_problem);
}

// One drill under way: the lock and the plan are its caller's.
class Run {
public:
    Run(const DrillSession& session, const DrillOptions& options, practice::Plan plan, practice::Standing standing,
        AbortKey& key)
        : session_(session),
          options_(options),
          plan_(std::move(plan)),
          standing_(std::move(standing)),
          key_(key),
          id_(id_of(read_clock().wall)),
          hands_(session.hands(id_)) {}

    // Errors: nothing was touched.
    Result<int> go() {
        MEDIC_TRY(record_, record_before());
        if (key_.wait(Duration{0})) return fail(ErrorCode::not_ready, "aborted before anything was done");
        MEDIC_CHECK(practice::keep_undo(session_.config().data_dir, record_));
        const Status made = make();
        card_.outcome = made ? watch() : Outcome::not_made;
        if (!made) session_.say("the fault could not be made: " + made.error().message);
        return finish();
    }

private:
    [[nodiscard]] const practice::Fault& fault() const { return *plan_.what.fault; }

    Result<UndoRecord> record_before() {
        const practice::NodeSight seen = hands_.look(plan_.what.node);
        const std::string& node = plan_.what.node;
        if (seen.up != true || seen.stopped == true)
            return fail(ErrorCode::not_ready, "{} is not seen running by its driver{}", node,
                        seen.problem.empty() ? "" : ": " + seen.problem);
        const bool freezes = fault().kind == practice::Fault::Kind::freeze;
        if (freezes && (seen.pid == 0 || !seen.start_told))
            return fail(ErrorCode::not_ready,
                        "{}: its driver's `status` must tell `pid` and `start_time` of a process of this host, so that "
                        "no other one is stopped",
                        node);
        MEDIC_TRY(const int newest, session_.newest_incident());
        UndoRecord record{.id = id_,
                          .fault = std::string(fault().name),
                          .cluster = session_.cluster().name,
                          .node = node,
                          .by = whoever_runs_this(),
                          .at = read_clock().wall,
                          .newest_incident = newest,
                          .spares_before = {},
                          .pid = seen.pid,
                          .start_time = seen.start_time};
        for (const practice::NodeStanding& one : standing_.nodes)
            if (one.role == fault().role && one.spare) record.spares_before.push_back(one.name);
        return record;
    }

    Status make() {
        made_at_ = read_clock().monotonic;
        const bool kills = fault().kind == practice::Fault::Kind::kill;
        MEDIC_CHECK(kills ? hands_.kill(record_.node) : hands_.freeze(record_));
        session_.say(fmt::format("{:>9}  {}: {} (ends with {}Ctrl-C)", "0.0 s", record_.node,
                                 kills ? "killed" : "stopped", key_.watches_keys() ? "q or " : ""));
        return {};
    }

    Outcome watch() {
        practice::DrillWatch watch({.fault = &fault(), .mode = plan_.mode, .patience = options_.patience}, made_at_);
        std::optional<Outcome> over;
        while (!over) {
            const auto seen = watch.see({read_clock().monotonic, session_.incidents_since(record_.newest_incident)});
            for (const std::string& line : seen.lines) session_.say(line);
            over = seen.over;
            if (!over && key_.wait(look_again)) {
                session_.say(
                    fmt::format("{:>9}  aborted", practice::seconds_text(watch.since_made(read_clock().monotonic))));
                over = Outcome::aborted;
            }
        }
        card_.measured = watch.measured();
        card_.cause_right = watch.cause_right();
        card_.passed = watch.passed(*over);
        return *over;
    }

    int finish() {
        const Undone undone = undo_fault(session_, hands_, record_, key_);
        card_.undone = undone.done;
        card_.how_undone = undone.how;
        const std::string& data_dir = session_.config().data_dir;
        if (undone.done) {
            if (const Status dropped = practice::drop_undo(data_dir); !dropped) card_.note = dropped.error().message;
        } else {
            card_.how_undone += "; try `medic drill --undo --config " + options_.config + "`";
        }
        if (card_.outcome != Outcome::healed && card_.outcome != Outcome::came_back &&
            card_.outcome != Outcome::agent_gone)
            settle();
        fill_card();
        if (const Status kept = practice::keep_result(data_dir, id_, practice::json_of(card_)); !kept)
            card_.note += (card_.note.empty() ? "" : "; ") + kept.error().message;
        print_as(options_.output, options_.output == "json" ? practice::json_of(card_) : practice::text_of(card_));
        if (!undone.done) return exit_problem;
        if (card_.outcome == Outcome::agent_gone) return exit_cannot_tell;
        return card_.passed ? exit_ok : exit_problem;
    }

    // The agent has its own look to take before it calls it over.
    void settle() {
        const Instant until = read_clock().monotonic + settle_within;
        while (read_clock().monotonic < until) {
            const auto caused = session_.incidents_since(record_.newest_incident);
            if (caused) {
                card_.measured.incidents.clear();
                for (const auto& one : *caused) card_.measured.incidents.push_back(one.id);
            }
            if (caused && std::ranges::all_of(*caused, &practice::IncidentSight::over)) return;
            if (key_.rest(look_again)) break;
        }
        card_.note = "the agent still has an incident of it open (`medic incidents`)";
    }

    void fill_card() {
        card_.id = id_;
        card_.fault = record_.fault;
        card_.cluster = record_.cluster;
        card_.node = record_.node;
        card_.by = record_.by;
        card_.at = record_.at;
        card_.expected_cause = fault().cause;
        card_.expected_mode = plan_.mode;
        card_.expected_remedy = plan_.remedy;
        if (!card_.undone) card_.passed = false;
    }

    const DrillSession& session_;
    const DrillOptions& options_;
    practice::Plan plan_;
    practice::Standing standing_;
    AbortKey& key_;
    std::string id_;
    practice::Hands hands_;
    UndoRecord record_;
    Instant made_at_;
    practice::Scorecard card_;
};

int code_of(const Error& error) {
    if (error.code == ErrorCode::invalid) return exit_usage;
    return error.code == ErrorCode::unavailable ? exit_cannot_tell : exit_problem;
}

}  // namespace

int practise_fault(const DrillOptions& options) {
    const auto session = DrillSession::open(options, options.cluster);
    if (!session) return complain(session.error().message, exit_usage);
    if (const std::string why = session->not_allowed(); !why.empty()) return complain(why, exit_usage);
    const auto turn = take_turn(session->config().data_dir);
    if (!turn) return complain(turn.error().message, exit_problem);
    if (const std::string left = practice::left_to_undo(session->config().data_dir, options.config); !left.empty())
        return complain(left, exit_problem);
    practice::Standing standing;
    auto plan = plan_now(*session, options, options.node, standing);
    if (!plan) return complain(plan.error().message, code_of(plan.error()));
    if (options.dry_run && options.output == "json") {
        fmt::print("{}", practice::json_of(*plan));
        return plan->objections.empty() ? exit_ok : exit_problem;
    }
    session->say(practice::text_of(*plan));
    if (!plan->objections.empty()) return complain("nothing was done: see NOT NOW above", exit_problem);
    if (options.dry_run) return exit_ok;
    if (const auto refused = ask_person(options, session->cluster().name)) return *refused;

    AbortKey key;  // From here on nothing interrupts, and before any thread.
    key.watch_keys();
    plan = plan_now(*session, options, plan->what.node, standing);  // A person may have thought for an hour.
    if (!plan) return complain(plan.error().message, code_of(plan.error()));
    if (!plan->objections.empty()) return complain("not any more: " + plan->objections.front(), exit_problem);
    Run drill(*session, options, *std::move(plan), std::move(standing), key);
    const auto code = drill.go();
    return code ? *code : complain(code.error().message, code_of(code.error()));
}

int undo_drill(const DrillOptions& options) {
    // Whatever the file says by now about drills: what was broken is to be mended.
    auto config = load_config_file(options.config);
    if (!config) return complain(config.error().message, exit_usage);
    const auto turn = take_turn(config->data_dir);
    if (!turn) return complain(turn.error().message, exit_problem);
    const auto left = practice::find_undo(config->data_dir);
    if (!left) return complain(left.error().message, exit_problem);
    if (!*left) {
        fmt::print("nothing is to be undone\n");
        return exit_ok;
    }
    const UndoRecord& record = **left;
    const auto session = DrillSession::open(options, record.cluster);
    if (!session) return complain(session.error().message, exit_usage);
    AbortKey key;
    session->say(fmt::format("{}: {} on {} of {}, made by {} at {}", record.id, record.fault, record.node,
                             record.cluster, record.by, rfc3339(record.at)));
    practice::Hands hands(session->hands(record.id + "-undo"));
    const Undone undone = undo_fault(*session, hands, record, key);
    practice::Scorecard card{.id = record.id,
                             .fault = record.fault,
                             .cluster = record.cluster,
                             .node = record.node,
                             .by = record.by,
                             .at = record.at,
                             .expected_cause = {},
                             .expected_mode = {},
                             .expected_remedy = {},
                             .outcome = Outcome::undone_later,
                             .measured = {},
                             .cause_right = false,
                             .passed = false,
                             .undone = undone.done,
                             .how_undone = undone.how,
                             .note = {}};
    if (const auto caused = session->incidents_since(record.newest_incident))
        for (const auto& one : *caused) card.measured.incidents.push_back(one.id);
    if (options.output == "json")
        fmt::print("{}", practice::json_of(card));
    else
        print_text(fmt::format("{}: {}\n", undone.done ? "undone" : "NOT UNDONE", undone.how));
    if (const Status kept = practice::keep_result(config->data_dir, record.id, practice::json_of(card)); !kept)
        return complain(kept.error().message, exit_problem);
    if (!undone.done) return exit_problem;
    const Status dropped = practice::drop_undo(config->data_dir);
    return dropped ? exit_ok : complain(dropped.error().message, exit_problem);
}

}  // namespace medic::cli
