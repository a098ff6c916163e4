#include "engine/workload/service.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace medic::engine::workload {
namespace {

// A caller as simple as they come.
class Caller {
public:
    explicit Caller(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    ~Caller() { ::close(fd_); }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    // "" when nothing came within the patience.
    std::string ask(const std::string& line, int patience_ms = 20'000) {
        const std::string request = line + "\n";
        if (!connected_ || ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
        std::string answer;
        char c = 0;
        pollfd ready{fd_, POLLIN, 0};
        while (::poll(&ready, 1, patience_ms) > 0 && ::recv(fd_, &c, 1, 0) == 1 && c != '\n') answer += c;
        return answer;
    }

private:
    int fd_;
    bool connected_ = false;
};

TEST(Service, answers_line_by_line) {
    auto service = Service::start({.latency = std::chrono::microseconds(0), .answer = answer_lookup});
    ASSERT_TRUE(service) << service.error().message;
    Caller caller((*service)->port());
    EXPECT_EQ(caller.ask("s-001"), answer_lookup("s-001"));
    EXPECT_EQ(caller.ask("s-002"), answer_lookup("s-002"));
    EXPECT_EQ((*service)->answered(), 2U);
}

TEST(Service, fails_as_often_as_told) {
    auto service = Service::start({});
    ASSERT_TRUE(service);
    Caller caller((*service)->port());
    (*service)->fail_next(1);
    EXPECT_EQ(caller.ask("x"), "error internal: try again");
    EXPECT_EQ(caller.ask("x"), "ok");
}

TEST(Service, forgets_one_connection_and_serves_others) {
    auto service = Service::start({});
    ASSERT_TRUE(service);
    Caller old_caller((*service)->port());
    ASSERT_EQ(old_caller.ask("x"), "ok");
    (*service)->forget_connection();
    EXPECT_EQ(old_caller.ask("x", 300), "");
    Caller new_caller((*service)->port());
    EXPECT_EQ(new_caller.ask("x"), "ok");
}

TEST(Service, is_gone_for_a_while_and_comes_back_on_its_port) {
    auto service = Service::start({});
    ASSERT_TRUE(service);
    const std::uint16_t port = (*service)->port();
    Caller old_caller(port);
    ASSERT_EQ(old_caller.ask("x"), "ok");
    (*service)->go_down(std::chrono::seconds(1));
    EXPECT_EQ(old_caller.ask("x"), "");
    std::string answer;
    for (int turns = 0; answer.empty() && turns < 20'000; ++turns) {  // A minute or more.
        answer = Caller(port).ask("x");
        if (answer.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    EXPECT_EQ(answer, "ok");
    EXPECT_EQ(old_caller.ask("x"), "");
}

TEST(Service, refuses_connections_as_long_as_it_is_gone_and_can_end_then) {
    auto service = Service::start({});
    ASSERT_TRUE(service);
    const std::uint16_t port = (*service)->port();
    (*service)->go_down(std::chrono::hours(1));
    EXPECT_EQ(Caller(port).ask("x"), "");
    (*service)->go_down(std::chrono::hours(2));
    EXPECT_EQ(Caller(port).ask("x"), "");
    service->reset();
}

}  // namespace
}  // namespace medic::engine::workload
