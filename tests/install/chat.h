// A receiver of the agent's messages for tests: takes what a webhook sends and answers as a chat would.
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/world/real/http_server.h"

namespace medic {

using Json = nlohmann::json;

class Chat {
public:
    Chat() {
        server_ = HttpServer::start({}, [this](const HttpRequest& request) {
                      const std::lock_guard guard(mutex_);
                      messages_.push_back(Json::parse(request.body, nullptr, false));
                      return HttpResponse{.status = 200, .body = "", .headers = {}};
                  }).value();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/hook"; }
    // Of this cause, that it began or that it is over.
    [[nodiscard]] Json about(const std::string& cause, const std::string& event) const {
        const std::lock_guard guard(mutex_);
        for (auto one = messages_.rbegin(); one != messages_.rend(); ++one)
            if (one->is_object() && one->value("cause", "") == cause && one->value("event", "") == event) return *one;
        return nullptr;
    }
    // What began to be told since then as another side's than this one.
    [[nodiscard]] std::vector<Json> of_another_side(std::size_t from, const std::string& side) const {
        const std::lock_guard guard(mutex_);
        std::vector<Json> others;
        for (std::size_t i = from; i < messages_.size(); ++i)
            if (messages_[i].is_object() && messages_[i].value("kind", "") == "incident" &&
                messages_[i].value("event", "") == "opened" && messages_[i].value("side", side) != side)
                others.push_back(messages_[i]);
        return others;
    }
    [[nodiscard]] std::size_t count() const {
        const std::lock_guard guard(mutex_);
        return messages_.size();
    }
    [[nodiscard]] std::string all() const {
        const std::lock_guard guard(mutex_);
        return Json(messages_).dump(2);
    }

private:
    mutable std::mutex mutex_;
    std::vector<Json> messages_;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace medic
