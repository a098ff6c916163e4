#include "agent/cli/follow.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/plain_text.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"
#include "agent/world/real/worker.h"

namespace medic::cli {
namespace {

constexpr Duration look_again{1'000};
constexpr int answers_missed_max = 30;  // In a row: the agent is gone.

// "I17": 17.
int number_of(const Json& incident) {
    const std::string id = text_of(incident, "id");
    int number = 0;
    if (!id.empty()) std::from_chars(id.data() + 1, id.data() + id.size(), number);
    return number;
}

// What is known of the request: its incident, as the agent shows it.
class Follower {
public:
    Follower(const Request& request, int newest_before) : request_(request), newest_before_(newest_before) {}

    // nullopt: it goes on.
    std::optional<int> look() {
        const auto reply = call_api(request_.agent, "GET", "/api/v1/incidents");
        const Json body = reply ? foreign_json(reply->body) : Json();
        const Json* incidents = json_member(body, "incidents");
        if (incidents == nullptr || !incidents->is_array()) {
            if (++missed_ == 1) print_silence();
            if (missed_ < answers_missed_max) return std::nullopt;
            return complain("the agent does not answer any more; the " + request_.called + " goes on when it is back",
                            exit_problem);
        }
        missed_ = 0;
        for (const Json& incident : *incidents)
            if (incident.is_object() && is_ours(incident)) return tell(incident);
        return std::nullopt;  // Not taken up yet.
    }
    [[nodiscard]] const std::string& id() const { return id_; }

private:
    // A new one, or one that is under way already: there is only one at a time.
    bool is_ours(const Json& incident) {
        if (!id_.empty()) return text_of(incident, "id") == id_;
        const Json& diagnosis = json_part(incident, "diagnosis");
        const std::string state = text_of(incident, "state");
        const bool over = state == "resolved" || state == "healed" || state == "escalated";
        if (over && number_of(incident) <= newest_before_) return false;
        if (text_of(diagnosis, "cause") != request_.cause) return false;
        if (!request_.cluster.empty() && text_of(incident, "cluster") != request_.cluster) return false;
        if (!request_.subject.empty() && text_of(json_part(diagnosis, "subject"), "name") != request_.subject)
            return false;
        id_ = text_of(incident, "id");
        print_text(fmt::format("{}: {}\n", plain_line(id_), plain_line(text_of(diagnosis, "summary"))));
        return true;
    }

    // Once each time: asking again may take minutes.
    void print_silence() const {
        const std::string text =
            "the agent does not answer; it is asked again (the " + request_.called + " goes on there)";
        fmt::print(stderr, "{}\n", paint(text, Tone::faint, Stream::errors));
    }

    std::optional<int> tell(const Json& incident) {
        const Json& story = json_part(incident, "story");
        for (; story.is_array() && told_ < story.size(); ++told_)
            print_text(fmt::format("  {}  {}\n", plain_line(text_of(story[told_], "at")),
                                   plain_line(text_of(story[told_], "text"))));
        std::fflush(stdout);
        const std::string state = text_of(incident, "state"), outcome = text_of(incident, "outcome");
        if (state == "healed" || state == "resolved") return outcome == "done" ? exit_ok : exit_problem;
        if (state == "observing")
            return complain(
                "the policy observes only: no rule lets " + request_.remedy +
                    " act here; `medic config check --policy FILE` reads one, `medic config reference --policy` says "
                    "what may stand in it",
                exit_problem);
        if (state != "escalated") return std::nullopt;
        return complain(id_ + " waits for " + text_of(incident, "waiting_for") + ": " + outcome, exit_problem);
    }

    const Request& request_;
    int newest_before_;  // Of the agent's incidents, before it was asked for.
    std::string id_;
    std::size_t told_ = 0;
    int missed_ = 0;
};

// The number of the agent's newest incident; 0: none.
Result<int> newest_incident(const AgentAddress& agent) {
    MEDIC_TRY(const ApiReply reply, call_api(agent, "GET", "/api/v1/incidents"));
    if (reply.status != 200) return fail(ErrorCode::not_ready, "{}", error_of(reply));
    const Json body = foreign_json(reply.body);
    const Json* incidents = json_member(body, "incidents");
    if (incidents == nullptr || !incidents->is_array())
        return fail(ErrorCode::not_ready, "something else than an agent answers there");
    int newest = 0;
    for (const Json& incident : *incidents) newest = std::max(newest, number_of(incident));
    return newest;
}

int follow(const Request& request, int newest_before) {
    block_stop_signals();  // Whoever stops following is told that it goes on, and how to end it.
    Follower follower(request, newest_before);
    do {
        if (const auto code = follower.look()) return *code;
    } while (!wait_for_stop_signal(look_again));
    print_text(fmt::format("The {} goes on. `medic actions stop {}` stops it after the step at hand.\n", request.called,
                           follower.id().empty() ? "ID" : follower.id()));
    return exit_cannot_tell;
}

}  // namespace

int ask_and_follow(const Request& request, bool waits) {
    const auto newest_before = newest_incident(request.agent);
    if (!newest_before)
        return complain("nothing is asked for: " + newest_before.error().message,
                        newest_before.error().code == ErrorCode::invalid ? exit_usage : exit_problem);
    const auto reply = call_api(request.agent, "POST", request.path, request.body);
    if (!is_accepted(reply) || !waits) return print_outcome(reply, "asked for; `medic actions` shows how far it is");
    return follow(request, *newest_before);
}

}  // namespace medic::cli
