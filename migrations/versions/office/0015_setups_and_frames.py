"""Keep how a round is set up, and the list that its people are drawn from."""

import sqlalchemy as sa
from alembic import op

revision = "office_0015"
down_revision = "office_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "round_setup",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("channels", sa.String(200), nullable=False),
        sa.Column("languages", sa.String(60), nullable=False),
        sa.Column("key_holding", sa.String(10), nullable=False),
        sa.Column("sizes", sa.Text(), nullable=False),
        sa.Column("n_asked", sa.Integer(), nullable=True),
        sa.Column("tested_mark", sa.String(64), nullable=False),
        sa.Column("tested_by", sa.String(200), nullable=False),
        sa.Column("tested_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_round_setup_round_slug"),
        sa.PrimaryKeyConstraint("round_slug", name="pk_round_setup"),
    )
    op.create_table(
        "round_frame",
        sa.Column("round_slug", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("encoding", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.String(200), nullable=False),
        sa.Column("uploaded_on", sa.Date(), nullable=False),
        sa.Column("erase_on", sa.Date(), nullable=False),
        sa.Column("erased_on", sa.Date(), nullable=True),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("sample_plan", sa.Text(), nullable=False),
        sa.Column("sample_facts", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["round_slug"], ["round.slug"], name="fk_round_frame_round_slug"),
        sa.PrimaryKeyConstraint("round_slug", name="pk_round_frame"),
        sa.CheckConstraint("state IN ('uploaded', 'cleaned', 'drawn', 'erased')", name="ck_round_frame_state"),
    )


def downgrade() -> None:
    op.drop_table("round_frame")
    op.drop_table("round_setup")
