#pragma once
#include "edge/store/record.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <uv.h>

// Bytes on their way out of this turn: text made here, pieces of stored responses, pieces of bodies
// that are arriving. Nothing is counted or copied unless the socket does not take it at once.
namespace tidemark::worker
{
class Output
{
  public:
    void clear() noexcept
    {
        text_.clear();
        pieces_.clear();
        chunks_.clear();
        bytes_ = 0;
    }
    [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_.size(); }

    // Text may be appended directly between begin_text() and end_text().
    [[nodiscard]] std::string& begin_text() noexcept
    {
        text_begins_ = text_.size();
        return text_;
    }
    void end_text()
    {
        const std::size_t n = text_.size() - text_begins_;
        bytes_ += n;
        if (!pieces_.empty() && pieces_.back().data == nullptr)
            pieces_.back().bytes += n; // text is contiguous
        else if (n != 0)
            pieces_.push_back({nullptr, text_begins_, n, nullptr});
    }
    void text(std::string_view text)
    {
        begin_text().append(text);
        end_text();
    }
    // Borrowed for the turn; a reference is taken only if it has to outlive it.
    void stored(const store::StoredResponse& record, std::string_view piece)
    {
        if (piece.empty()) return;
        pieces_.push_back({piece.data(), 0, piece.size(), &record});
        bytes_ += piece.size();
    }
    void slice(store::Slice slice)
    {
        pieces_.push_back({slice.view().data(), 0, slice.bytes, nullptr});
        bytes_ += slice.bytes;
        chunks_.push_back(std::move(slice.chunk));
    }

    // Everything of `other` behind what is here.
    void append(Output&& other);

    // The buffers as writev wants them; valid until the next change.
    [[nodiscard]] const std::vector<uv_buf_t>& buffers();

  private:
    friend class HeldOutput;
    struct Piece {
        const char* data; // null: text_ at `offset`
        std::size_t offset;
        std::size_t bytes;
        const store::StoredResponse* record;
    };
    std::string text_;
    std::vector<Piece> pieces_;
    std::vector<store::ChunkRef> chunks_;
    std::vector<uv_buf_t> buffers_;
    std::size_t text_begins_ = 0;
    std::size_t bytes_ = 0;
};

// What the socket did not take, kept alive until it does.
class HeldOutput
{
  public:
    // Everything of `output` behind its first `sent` bytes; takes over what it needs.
    HeldOutput(Output& output, std::size_t sent);
    [[nodiscard]] const std::vector<uv_buf_t>& buffers() const noexcept { return buffers_; }

  private:
    std::string text_;
    std::vector<store::StoredRef> records_;
    std::vector<store::ChunkRef> chunks_;
    std::vector<uv_buf_t> buffers_;
};
} // namespace tidemark::worker
