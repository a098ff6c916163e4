#include "agent/cli/drill_session.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/plain_text.h"
#include "agent/base/url.h"
#include "agent/cli/terminal.h"
#include "agent/daemon/doors.h"
#include "agent/practice/scorecard.h"
#include "agent/world/real/clock.h"

namespace medic::cli {

using practice::UndoStep;

Result<DrillSession> DrillSession::open(const DrillOptions& options, const std::string& cluster) {
    DrillSession session;
    MEDIC_TRY(session.config_, load_config_file(options.config));
    if (session.config_.scope != Scope::cluster)
        return fail(ErrorCode::invalid, "{}: a sidecar's file: a drill practises the agent of `scope: cluster`",
                    options.config);
    session.cluster_ = cluster;
    if (cluster.empty() && session.config_.clusters.size() == 1) session.cluster_ = session.config_.clusters[0].name;
    if (session.config_.cluster(session.cluster_) == nullptr) {
        std::vector<std::string> names;
        for (const ClusterConfig& one : session.config_.clusters) names.push_back(one.name);
        return fail(ErrorCode::invalid, "{}: say which cluster: --cluster {}", options.config, fmt::join(names, " | "));
    }
    session.agent_.config = options.config;
    session.agent_.shows_token = true;
    session.agent_.patience = Duration{3'000};  // An abort waits for no longer.
    session.json_ = options.output == "json";
    return session;
}

std::string DrillSession::not_allowed() const {
    const auto drills = load_drills_config(config_.path, cluster_);
    return drills ? practice::not_allowed(*drills, cluster_, config_.path) : drills.error().message;
}

Result<std::string> DrillSession::get(const std::string& path) const {
    auto reply = call_api(agent_, "GET", path);
    if (!reply)
        return fail(ErrorCode::unavailable, "no agent answers ({}): a drill practises the running agent",
                    reply.error().message);
    if (reply->status == 200) return std::move(reply->body);
    return fail(reply->status == 503 ? ErrorCode::not_ready : ErrorCode::invalid, "the agent: {}", error_of(*reply));
}

Result<practice::Standing> DrillSession::standing() const {
    MEDIC_TRY(const std::string body, get("/api/v1/practice?cluster=" + url_encode(cluster_)));
    return practice::read_standing_document(body);
}

std::optional<std::vector<practice::IncidentSight>> DrillSession::incidents_since(int newest) const {
    const auto body = get("/api/v1/incidents");
    if (!body) return std::nullopt;
    auto all = practice::read_incidents(*body);
    if (!all) return std::nullopt;
    return practice::caused_since(*std::move(all), cluster_, newest);
}

Result<int> DrillSession::newest_incident() const {
    MEDIC_TRY(const std::string body, get("/api/v1/incidents"));
    MEDIC_TRY(const auto all, practice::read_incidents(body));
    int newest = 0;
    for (const auto& one : all) newest = std::max(newest, one.number);
    return newest;
}

practice::HandsParts DrillSession::hands(const std::string& id) const {
    return {.cluster = cluster(), .doors = doors_of(config_), .access = access_of(config_), .id = id};
}

void DrillSession::say(const std::string& line) const {
    fmt::print(json_ ? stderr : stdout, "{}\n", plain_text(line));
    std::fflush(json_ ? stderr : stdout);
}

namespace {

constexpr Duration undo_within{180'000};
constexpr Duration undo_look_again{1'000};
constexpr int undo_tries_max = 3;

// What undoing has done so far, so that nothing is done twice.
struct Undoing {
    const DrillSession& session;
    practice::Hands& hands;
    const practice::UndoRecord& record;
    bool started = false;
    int failed = 0;
    std::string did, said;

    [[nodiscard]] practice::UndoQuestion look() const {
        practice::UndoQuestion question{.node = hands.look(record.node)};
        if (question.node.up == true) return question;
        for (const std::string& spare : record.spares_before)
            if (const auto seen = hands.look(spare); seen.up == true && seen.spare == false)
                question.replaced_by = spare;
        if (const auto caused = session.incidents_since(record.newest_incident))
            question.agent_at_work = std::ranges::any_of(*caused, &practice::IncidentSight::at_work);
        const NodeConfig* node = session.cluster().node(record.node);
        question.can_start_spare = node != nullptr && node->driver.can("start_spare");
        return question;
    }

    void say_once(const std::string& text) {
        if (text != said) session.say("  undo: " + text);
        said = text;
    }

    void act(const UndoStep& step) {
        if (started) return say_once(record.node + " was started, and is not seen running yet");
        const bool thaw = step.kind == UndoStep::Kind::thaw;
        const Status done =
            thaw ? hands.thaw(record) : hands.start(record.node, step.kind == UndoStep::Kind::start_spare);
        if (!done) {
            ++failed;
            return say_once(done.error().message);
        }
        started = !thaw;
        did = record.node + (thaw                                       ? " was let go on (SIGCONT)"
                             : step.kind == UndoStep::Kind::start_spare ? " was started as a spare"
                                                                        : " was started by its driver");
        say_once(did);
    }
};

}  // namespace

Undone undo_fault(const DrillSession& session, practice::Hands& hands, const practice::UndoRecord& record,
                  AbortKey& key) {
    Undoing undoing{session, hands, record};
    const Instant until = read_clock().monotonic + undo_within;
    for (;;) {
        const UndoStep step = practice::next_undo(record, undoing.look());
        switch (step.kind) {
            case UndoStep::Kind::done: return {true, undoing.did.empty() ? step.why : undoing.did};
            case UndoStep::Kind::person: return {false, step.why};
            case UndoStep::Kind::look_again: undoing.say_once("waits: " + step.why); break;
            default: undoing.act(step);
        }
        if (undoing.failed >= undo_tries_max) return {false, undoing.said};
        if (read_clock().monotonic >= until) return {false, "not within three minutes: " + undoing.said};
        (void)key.rest(undo_look_again);
    }
}

int list_faults(const DrillOptions& options) {
    const auto session = DrillSession::open(options, options.cluster);
    if (!session) return complain(session.error().message, exit_usage);
    std::vector<std::string> objections;
    if (std::string why = session->not_allowed(); !why.empty()) objections.push_back(std::move(why));
    if (std::string left = practice::left_to_undo(session->config().data_dir, options.config); !left.empty())
        objections.push_back(std::move(left));
    auto standing = session->standing();
    if (!standing) return complain(standing.error().message, exit_cannot_tell);
    for (std::string& one : practice::objections(*standing)) objections.push_back(std::move(one));
    const auto all =
        practice::possibilities(session->cluster(), *standing, {.highly_available = options.highly_available});
    print_as(options.output,
             options.output == "json" ? practice::list_json(all, objections) : practice::list_text(all, objections));
    const bool any = objections.empty() && std::ranges::any_of(all, &practice::Possibility::possible);
    return any ? exit_ok : exit_problem;
}

}  // namespace medic::cli
