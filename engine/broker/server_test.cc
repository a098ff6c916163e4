#include "engine/broker/server.h"

#include <gtest/gtest.h>

#include "agent/wire/bytes.h"
#include "engine/broker/peer.h"

namespace medic::engine::broker {
namespace {

// A request frame of eleven bytes (API key, version, correlation id, null client id, one byte) without its size.
std::string request(char body) {
    std::string frame(10, '\0');
    frame[8] = frame[9] = '\xFF';
    return frame + body;
}

std::string response(std::int32_t correlation, std::string_view body) {
    std::string frame;
    wire::Writer writer(frame);
    writer.int32(static_cast<std::int32_t>(body.size() + 4));
    writer.int32(correlation);
    return frame.append(body);
}

class ServerTest : public ::testing::Test {
protected:
    void serve(Server::Handler handler) {
        server_ = std::make_unique<Server>(loop_, ServerOptions{.listen = {"127.0.0.1", 0}}, std::move(handler));
        ASSERT_TRUE(server_->listen());
        loop_.on_round_end([this] { server_->flush_dirty(); });
        peer_ = std::make_unique<Peer>(
            loop_, PeerOptions{.address = {"127.0.0.1", server_->port()}, .timeout = Duration(5'000)});
        loop_.after(Duration(20'000), [this] {
            ADD_FAILURE() << "no answer";
            loop_.stop();
        });
    }
    Loop loop_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<Peer> peer_;
    std::string answers_;
};

TEST_F(ServerTest, answers_leave_in_the_order_of_the_requests) {
    std::vector<std::pair<ReplyTo, std::int32_t>> waiting;
    serve([&](ReplyTo to, std::span<char> frame) {
        waiting.emplace_back(to, wire::load_int32(frame.data() + 4));
        if (waiting.size() < 3) return;
        for (std::size_t i = 3; i-- > 0;) {  // Ready in the opposite order.
            server_->reply(waiting[i].first, response(waiting[i].second, std::string(1, static_cast<char>('a' + i))));
        }
    });
    for (int i = 0; i < 3; ++i) {
        peer_->send(request('x'), [&](Result<std::string_view> answer) {
            ASSERT_TRUE(answer);
            answers_ += *answer;
            if (answers_.size() == 3) loop_.stop();
        });
    }
    loop_.run();
    EXPECT_EQ(answers_, "abc");
}

TEST_F(ServerTest, an_answer_larger_than_any_buffer_arrives_whole) {
    const std::string large(8 << 20, 'x');
    serve([&](ReplyTo to, std::span<char> frame) {
        server_->reply(to, response(wire::load_int32(frame.data() + 4), large));
    });
    peer_->send(request('x'), [&](Result<std::string_view> answer) {
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->size(), large.size());
        loop_.stop();
    });
    loop_.run();
}

TEST_F(ServerTest, who_is_hung_up_on_learns_it_and_may_come_again) {
    int calls = 0;
    serve([&](ReplyTo to, std::span<char> frame) {
        if (++calls == 1) return server_->hang_up(to);
        server_->reply(to, response(wire::load_int32(frame.data() + 4), "ok"));
    });
    peer_->send(request('x'), [&](Result<std::string_view> first) {
        EXPECT_FALSE(first);
        peer_->send(request('x'), [&](Result<std::string_view> second) {
            EXPECT_TRUE(second);
            loop_.stop();
        });
    });
    loop_.run();
    EXPECT_EQ(calls, 2);
}

TEST_F(ServerTest, a_request_without_an_answer_ends_at_its_deadline) {
    serve([](ReplyTo, std::span<char>) {});
    peer_ =
        std::make_unique<Peer>(loop_, PeerOptions{.address = {"127.0.0.1", server_->port()}, .timeout = Duration(50)});
    peer_->send(request('x'), [&](Result<std::string_view> answer) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
        loop_.stop();
    });
    loop_.run();
}

TEST_F(ServerTest, nobody_listening_is_an_error_not_a_hang) {
    serve([](ReplyTo, std::span<char>) {});
    const auto port = server_->port();
    server_->stop_listening();
    peer_ = std::make_unique<Peer>(loop_, PeerOptions{.address = {"127.0.0.1", port}});
    peer_->send(request('x'), [&](Result<std::string_view> answer) {
        EXPECT_FALSE(answer);
        loop_.stop();
    });
    loop_.run();
}

TEST(Address, is_host_and_port) {
    EXPECT_EQ(parse_address("127.0.0.1:9092")->port, 9092);
    for (const char* bad : {"", "9092", "host:", "host:x", "host:70000", ":1"}) EXPECT_FALSE(parse_address(bad)) << bad;
}

TEST_F(ServerTest, a_muted_connection_gets_its_answer_and_is_read_again_later) {
    constexpr Duration mute{200};
    std::vector<Instant> read;
    serve([&](ReplyTo to, std::span<char> frame) {
        read.push_back(loop_.now());
        if (read.size() == 1) server_->mute(to, mute);
        server_->reply(to, response(wire::load_int32(frame.data() + 4), "x"));
    });
    for (int i = 0; i < 2; ++i) {
        peer_->send(request('x'), [&](Result<std::string_view> answer) {
            ASSERT_TRUE(answer);
            answers_ += *answer;
            if (answers_.size() == 1) {
                EXPECT_EQ(read.size(), 1U) << "the answer does not wait";
            } else {
                loop_.stop();
            }
        });
    }
    loop_.run();
    ASSERT_EQ(read.size(), 2U);
    EXPECT_GE(read[1] - read[0], mute);
}

}  // namespace
}  // namespace medic::engine::broker
