"""Create the invitations: random identifiers, no code and no time."""

import sqlalchemy as sa
from alembic import op

revision = "frame_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.LargeBinary(16), nullable=False),
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("unit_code", sa.String(40), nullable=False),
        sa.Column("stratum", sa.String(80), nullable=False),
        sa.Column("psu", sa.String(80), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("qr_tag", sa.LargeBinary(32), nullable=False),
        sa.Column("typed_tag", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("qr_tag", name="uq_invitation_qr_tag"),
        sa.UniqueConstraint("typed_tag", name="uq_invitation_typed_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_invitation_round_slug", "invitation", ["round_slug"])
