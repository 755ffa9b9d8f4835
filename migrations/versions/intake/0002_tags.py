"""Add the tag that tells a ballot of ours from a row that somebody put there; the rows of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "intake_0002"
down_revision = "intake_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty and without a default, so that no row is written again: ballots come in while this runs.
    op.add_column("ballot", sa.Column("tag", sa.LargeBinary(32), nullable=True))


def downgrade() -> None:
    op.drop_column("ballot", "tag")
