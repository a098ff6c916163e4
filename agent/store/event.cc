#include "agent/store/event.h"

#include <algorithm>

namespace medic {

bool Timeline::record(Event event) {
    if (!event.id.empty() && !ids_.emplace(event.id, event.at).second) return false;
    if (event.text.size() > options_.text_bytes_max) {
        event.text.resize(options_.text_bytes_max);
        event.text += "…";
    }
    if (!events_.empty() && events_.size() >= options_.events_max) {
        auto oldest = std::ranges::find_if(events_, [](const Event& each) { return each.kind != "exception"; });
        if (oldest == events_.end()) oldest = events_.begin();
        ids_.erase(oldest->id);
        events_.erase(oldest);
        ++dropped_;
    }
    // Nearly always the newest: look from the back.
    auto position = events_.end();
    while (position != events_.begin() && std::prev(position)->at > event.at) --position;
    events_.insert(position, std::move(event));
    return true;
}

std::vector<const Event*> Timeline::since(WallTime from) const {
    std::vector<const Event*> result;
    for (auto event = std::ranges::lower_bound(events_, from, {}, &Event::at); event != events_.end(); ++event)
        result.push_back(&*event);
    return result;
}

std::vector<const Event*> Timeline::about(const Subject& subject, WallTime from) const {
    std::vector<const Event*> result = since(from);
    std::erase_if(result, [&](const Event* event) { return event->subject != subject; });
    return result;
}

}  // namespace medic
