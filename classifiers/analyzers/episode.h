// The episode: failures of one job or connector task that belong together, and the one that came first.
// Restarts replace the exception that a person sees; this keeps the first. Helper of the analyzers that read
// exceptions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "classifiers/analyzers/lookup.h"
#include "classifiers/diagnosis/trace/trace.h"

namespace medic::analyzers {

// Failures further apart than this are told apart (Flink's own default for forgetting back-off is 1 h, far too long to
// join two incidents; ten minutes outlasts ten restarts at its longest back-off of one minute).
inline constexpr Duration episode_gap{10 * 60'000};

// A job that ran for longer than Flink's longest back-off (a minute, and a tenth of jitter) has recovered: a failure of
// another kind after that has a cause of its own.
inline constexpr Duration recovered_after{90'000};

struct ExceptionEvent {
    const Event* event = nullptr;
    std::string type;  // Of the deepest cause.
    std::string message;
    std::string frame;  // The deciding frame's function; "" when none decides.
    std::string location;
    std::optional<FrameOwner> owner;
    std::optional<RecordRef> record;
    bool noise = false;  // Says only that something else failed: lost peers, cancellation, closed classloaders.
};

struct Episode {
    Subject subject;                         // job/… or connector-task/…
    std::vector<ExceptionEvent> exceptions;  // Oldest first, at most episode_exceptions_max.
    std::size_t first = 0;                   // Index of the one that started it: noise loses to what it hides.
    std::optional<WallTime> deployed;        // The subject's last deployment; earlier failures are another episode.
};
inline constexpr std::size_t episode_exceptions_max = 256;

// The latest episode of every subject with an exception within `window`. Component from the subject's kind.
[[nodiscard]] std::vector<Episode> episodes(const Lookup& lookup, Duration window);

// Whether the job was seen RUNNING after `from` and before `to`; nullopt: nobody looked.
[[nodiscard]] std::optional<bool> ran_between(const Lookup& lookup, const Subject& job, WallTime from, WallTime to);

// Reads one exception event's text.
[[nodiscard]] ExceptionEvent read_exception(const Event& event);

// Deployment events of a job, oldest first.
[[nodiscard]] std::vector<const Event*> deployments(const View& view, const Subject& job, WallTime from);

}  // namespace medic::analyzers
