#include "edge/worker/output.hpp"
#include "tests/support/stored_response.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

namespace tidemark::worker
{
namespace
{
using test::pattern_bytes;
using test::slice_of;
using test::stored_response;

std::string text_of(const std::vector<uv_buf_t>& buffers)
{
    std::string out;
    for (const uv_buf_t& buffer : buffers)
        out.append(buffer.base, buffer.len);
    return out;
}

std::vector<std::size_t> sizes_of(const std::vector<uv_buf_t>& buffers)
{
    std::vector<std::size_t> sizes;
    for (const uv_buf_t& buffer : buffers)
        sizes.push_back(buffer.len);
    return sizes;
}
using Sizes = std::vector<std::size_t>;

// Two answers as they leave in one turn: heads, a stored body, a piece of an arriving one.
struct Mixed {
    store::StoredRef small = stored_response({}, {"stored body"});
    store::StoredRef large =
        stored_response({}, {pattern_bytes(20'000), pattern_bytes(20'000, 20'000)});
    store::Slice arriving = slice_of("arriving");

    std::string fill(Output& out) const
    {
        out.text("head one ");
        out.stored(*small, small->body_piece(0));
        out.text("head two ");
        out.slice(arriving);
        out.text("chunk end ");
        out.stored(*large, large->body_piece(0).substr(19'995));
        out.stored(*large, large->body_piece(1).substr(0, 5));
        out.stored(*small, small->body_piece(0).substr(0, 6));
        out.text("end");
        return "head one stored bodyhead two arrivingchunk end " + pattern_bytes(10, 19'995) +
               "storedend";
    }
};
} // namespace

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(pieces_leave_in_the_order_they_were_added)
{
    const Mixed mixed;
    Output out;
    BOOST_TEST(out.empty());
    const std::string expected = mixed.fill(out);
    BOOST_TEST(text_of(out.buffers()) == expected);
    BOOST_TEST(out.bytes() == expected.size());
    BOOST_TEST(out.pieces() == out.buffers().size());
    out.clear();
    BOOST_TEST(out.empty());
    BOOST_TEST(out.bytes() == 0U);
    BOOST_TEST(out.buffers().empty());
}

BOOST_AUTO_TEST_CASE(texts_in_a_row_are_one_piece_and_empty_ones_none)
{
    const auto record = stored_response({}, {"x"});
    Output out;
    out.text("");
    out.stored(*record, "");
    BOOST_TEST(out.empty());
    out.text("a");
    out.begin_text().append("bc");
    out.end_text();
    out.text("");
    BOOST_TEST((sizes_of(out.buffers()) == Sizes{3}));
    out.stored(*record, record->body_piece(0));
    out.text("d");
    BOOST_TEST((sizes_of(out.buffers()) == Sizes{3, 1, 1}));
}

BOOST_AUTO_TEST_CASE(text_may_grow_after_buffers_were_asked_for)
{
    Output out;
    out.text("a");
    static_cast<void>(out.buffers());
    const std::string more = pattern_bytes(100'000);
    out.text(more);
    BOOST_TEST((text_of(out.buffers()) == "a" + more));
}

BOOST_AUTO_TEST_CASE(another_output_goes_behind_and_is_left_empty)
{
    const Mixed mixed;
    Output out;
    Output behind;
    std::string expected = mixed.fill(out);
    expected += mixed.fill(behind);
    out.append(std::move(behind));
    BOOST_TEST(text_of(out.buffers()) == expected);
    BOOST_TEST(out.bytes() == expected.size());
    BOOST_TEST(behind.empty());
    BOOST_TEST(behind.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(nothing_is_counted_for_what_leaves_within_the_turn)
{
    const store::Slice arriving = slice_of("x");
    Output out;
    out.slice(arriving);
    BOOST_TEST(arriving.chunk->refs.load() == 2U);
    out.clear();
    BOOST_TEST(arriving.chunk->refs.load() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(held_output)

BOOST_AUTO_TEST_CASE(after_a_partial_write_at_any_place_exactly_the_rest_remains_and_lives)
{
    const std::size_t total = [] {
        Output out;
        return Mixed().fill(out).size();
    }();
    for (std::size_t sent = 0; sent <= total; ++sent)
        BOOST_TEST_CONTEXT("sent " << sent)
        {
            std::string expected;
            std::optional<HeldOutput> held;
            {
                const Mixed mixed; // its records and chunks go, but for what is held
                Output out;
                expected = mixed.fill(out);
                static_cast<void>(out.buffers());
                held.emplace(out, sent);
                out.clear();
                out.text(std::string(expected.size(), '!')); // used again in the next turn
            }
            BOOST_TEST(text_of(held->buffers()) == expected.substr(sent));
            for (const uv_buf_t& buffer : held->buffers())
                BOOST_TEST(buffer.len > 0U);
        }
}

BOOST_AUTO_TEST_CASE(a_chunk_is_held_until_the_rest_is_gone_and_then_freed)
{
    const store::Slice arriving = slice_of("arriving");
    Output out;
    out.slice(arriving);
    {
        const HeldOutput held(out, 3);
        BOOST_TEST(arriving.chunk->refs.load() == 2U);
        out.clear();
        BOOST_TEST(text_of(held.buffers()) == "iving");
        BOOST_TEST(arriving.chunk->refs.load() == 2U);
    }
    BOOST_TEST(arriving.chunk->refs.load() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::worker
