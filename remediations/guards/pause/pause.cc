#include "remediations/guards/guard.h"

// `medic pause`, or a PAUSE file in the data folder. What is in flight is not called back; nothing new leaves.
namespace medic::guards::pause {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.pause_file)
        return Refusal{"pause", "it is not known whether a PAUSE file exists", Refusal::Kind::wait, {}};
    if (*question.pause_file)
        return Refusal{"pause", "a PAUSE file is in the data folder; remove it to go on", Refusal::Kind::wait, {}};
    for (const auto& pause : question.pauses)
        if (pause.cluster.empty() || pause.cluster == question.cluster)
            return Refusal{"pause", "paused by " + pause.by + ": " + pause.reason, Refusal::Kind::wait, {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"pause", "a person has stopped all acting", object}; }

}  // namespace medic::guards::pause
