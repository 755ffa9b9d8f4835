"""Keep questionnaires that are being written, and how they stood before."""

import sqlalchemy as sa
from alembic import op

revision = "office_0012"
down_revision = "office_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "questionnaire_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.String(200), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_questionnaire_draft"),
    )
    op.create_table(
        "questionnaire_draft_revision",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.String(200), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["questionnaire_draft.id"], name="fk_questionnaire_draft_revision_draft_id"
        ),
        sa.PrimaryKeyConstraint("draft_id", "revision", name="pk_questionnaire_draft_revision"),
    )


def downgrade() -> None:
    op.drop_table("questionnaire_draft_revision")
    op.drop_table("questionnaire_draft")
